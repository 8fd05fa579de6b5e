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
  readonly settings: ConversationSettings;
}

const NAMES = ['muted', 'archived', 'pinned'] as const;

export const DEFAULT_SETTINGS: ConversationSettings = Object.freeze({ muted: false, archived: false, pinned: false });

/** The settings of all conversations of one user. For each setting the last change in the log counts. */
export class UserSettings implements LogState<SettingsChange, SettingsSnapshot> {
  readonly #settings = new Map<string, ConversationSettings>();
  /** SeqIds of the last changes since the newest snapshot. */
  readonly #changedAt = new Map<string, bigint>();

  /** The number of conversations with settings. */
  get count(): number {
    return this.#settings.size;
  }

  of(conversation: string): ConversationSettings {
    return this.#settings.get(conversation) ?? DEFAULT_SETTINGS;
  }

  /** Lists the conversations changed after `seqId` in the log, in the order of their last changes. */
  changedAfter(seqId: bigint): ChangedSettings[] {
    return [...this.#changedAt]
      .filter(([, at]) => at > seqId)
      .sort(([, a], [, b]) => (a < b ? -1 : 1))
      .map(([conversation, at]) => ({ conversation, at, settings: this.of(conversation) }));
  }

  apply({ conversation, ...change }: SettingsChange, seqId: bigint): void {
    const settings = { ...this.of(conversation), ...change };
    if (NAMES.some((name) => settings[name])) this.#settings.set(conversation, settings);
    else this.#settings.delete(conversation);
    this.#changedAt.set(conversation, seqId);
  }

  restore({ items }: SettingsSnapshot): void {
    this.#settings.clear();
    this.#changedAt.clear();
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
