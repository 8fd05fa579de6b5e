import { seqIdOf } from '../../src/index.js';
import { ignoreKeyConflict, SnapshotLog } from '../members/snapshot-log.js';
import { advanceOrReset } from '../shared/checkpoints.js';
import type { Context } from '../shared/context.js';
import { RecentMap } from '../shared/listing.js';
import { readerOf, timelineOf } from '../shared/names.js';
import type { ConversationSettings } from '../types.js';
import { type SettingsChange, type SettingsSnapshot, UserSettings } from './user-settings.js';

/** Users whose settings stay in memory. */
const MAX_LOGS = 2000;
/** A log is compacted after as many changes as it has conversations, and not before this many. */
const LEAST_CHANGES = 64;

interface UserLog<M> {
  readonly state: UserSettings;
  readonly log: SnapshotLog<M, SettingsChange, SettingsSnapshot>;
}

/**
 * The settings of conversations, a log for each user. A change is recorded first, then announced in the user's inbox.
 * The checkpoint `announced` on the log says how far the inbox is: after a crash between the two, the next call that
 * reads the settings announces what is missing, with the same keys.
 */
export class SettingsLog<M> {
  readonly #context: Context<M>;
  readonly #logs = new RecentMap<string, UserLog<M>>(MAX_LOGS);
  readonly #leastChanges: number;

  constructor(context: Context<M>, leastChanges = LEAST_CHANGES) {
    this.#context = context;
    this.#leastChanges = leastChanges;
  }

  /** Reads the settings of a user. */
  async read(user: string): Promise<UserSettings> {
    const announced = await this.#refresh(user);
    // Not awaited: a list needs no inbox.
    this.#announce(user, announced).catch(() => undefined);
    return this.#of(user).state;
  }

  async change(user: string, conversation: string, settings: Partial<ConversationSettings>): Promise<void> {
    const { log, state } = this.#of(user);
    const announced = await this.#refresh(user);
    if (hasChanges(state.of(conversation), settings)) {
      const change: SettingsChange = { conversation, ...settings };
      await this.#context.state.timeline(timelineOf.settingsOf(user)).append({ kind: 'state', state: change });
      await log.refresh();
    }
    const through = await this.#announce(user, announced);
    // A snapshot does not say which changes are announced: there must be no other, such as one of a later call.
    const isAnnounced = state.changedAfter(through).length === 0;
    if (isAnnounced && log.changeCount >= Math.max(this.#leastChanges, state.count)) await log.compact();
  }

  /** Returns the SeqId up to which the inbox then holds the changes. */
  async #announce(user: string, announced: bigint): Promise<bigint> {
    const { state, sync } = this.#context;
    const changed = this.#of(user).state.changedAfter(announced);
    const last = changed.at(-1);
    if (!last) return announced;
    for (const { conversation, at, changedAt, settings } of changed) {
      const entry = { kind: 'settings', conversation, seqId: String(at), settings } as const;
      await sync
        .timeline(user)
        .append(entry, { key: `settings:${at}.${changedAt.toString(36)}` })
        .catch(ignoreKeyConflict);
    }
    await advanceOrReset(state, { timeline: timelineOf.settingsOf(user), reader: readerOf.announced, to: last.at });
    return last.at;
  }

  /** Refreshes the log, and returns the SeqId up to which the inbox holds its changes. */
  async #refresh(user: string): Promise<bigint> {
    const { log } = this.#of(user);
    const position = this.#context.state.timeline(timelineOf.settingsOf(user)).checkpoint(readerOf.announced);
    const [announced] = await Promise.all([position.get(), log.refresh()]);
    const through = announced === undefined ? 0n : seqIdOf(announced);
    // A position beyond the end is of an earlier epoch.
    return through > log.readThrough ? 0n : through;
  }

  #of(user: string): UserLog<M> {
    return this.#logs.use(user, () => {
      const state = new UserSettings();
      return { state, log: new SnapshotLog(this.#context.state, timelineOf.settingsOf(user), state) };
    });
  }
}

function hasChanges(now: ConversationSettings, wanted: Partial<ConversationSettings>): boolean {
  return Object.entries(wanted).some(([name, value]) => now[name as keyof ConversationSettings] !== value);
}
