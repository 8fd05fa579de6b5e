import type { LogState } from '../members/snapshot-log.js';
import type { ConversationSettings } from '../types.js';

/** A change of one or more settings of a conversation. */
export type SettingsChange = { readonly conversation: string } & Partial<ConversationSettings>;

export interface SettingsSnapshot {
  /** Only conversations with a setting that is not its default, and only such settings. */
  readonly items: readonly (readonly [conversation: string, settings: Partial<ConversationSettings>])[];
}

/** Settings that were changed, with the SeqId of the last change in the log. */
export interface ChangedSettings {
  readonly conversation: string;
  readonly at: bigint;
  /** Time of that change by the store, in milliseconds since 1970. */
  readonly changedAt: number;
  readonly settings: ConversationSettings;
}

const NAMES = ['muted', 'archived', 'pinned'] as const;

export const DEFAULT_SETTINGS: ConversationSettings = Object.freeze({ muted: false, archived: false, pinned: false });

/** The settings of all conversations of one user. For each setting the last change in the log counts. */
export class UserSettings implements LogState<SettingsChange, SettingsSnapshot> {
  readonly #settings = new Map<string, ConversationSettings>();
  /** The last changes since the newest snapshot. */
  readonly #changes = new Map<string, Pick<ChangedSettings, 'at' | 'changedAt'>>();

  /** The number of conversations with settings. */
  get count(): number {
    return this.#settings.size;
  }

  of(conversation: string): ConversationSettings {
    return this.#settings.get(conversation) ?? DEFAULT_SETTINGS;
  }

  /** Lists the conversations changed after `seqId` in the log, in the order of their last changes. */
  changedAfter(seqId: bigint): ChangedSettings[] {
    return [...this.#changes]
      .filter(([, { at }]) => at > seqId)
      .sort(([, a], [, b]) => (a.at < b.at ? -1 : 1))
      .map(([conversation, change]) => ({ conversation, ...change, settings: this.of(conversation) }));
  }

  apply({ conversation, ...change }: SettingsChange, seqId: bigint, appendedAt: number): void {
    const settings = { ...this.of(conversation), ...change };
    if (NAMES.some((name) => settings[name])) this.#settings.set(conversation, settings);
    else this.#settings.delete(conversation);
    this.#changes.set(conversation, { at: seqId, changedAt: appendedAt });
  }

  clear(): void {
    this.restore({ items: [] });
  }

  restore({ items }: SettingsSnapshot): void {
    this.#settings.clear();
    this.#changes.clear();
    for (const [conversation, settings] of items)
      this.#settings.set(conversation, { ...DEFAULT_SETTINGS, ...settings });
  }

  snapshot(): SettingsSnapshot {
    const items = [...this.#settings].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      items: items.map(([conversation, settings]) => [
        conversation,
        Object.fromEntries(NAMES.flatMap((name) => (settings[name] ? [[name, true]] : []))),
      ]),
    };
  }
}
