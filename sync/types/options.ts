import type { AdapterWarning, TimelineStore } from '../../src/index.js';
import type { Authorize } from './authorize.js';
import type { Diffusion, Directory } from './directory.js';
import type { Stored, Synced } from './entries.js';

/** Options of `createSync`. */
export interface SyncOptions<M> {
  /** Has a Timeline per conversation. With a TTL, old messages expire. Needs checkpoints and idempotency keys. */
  readonly store: TimelineStore<Stored<M>>;
  /** Has a Timeline per user. May use another database; usually has a TTL. Needs checkpoints and idempotency keys. */
  readonly sync: TimelineStore<Synced<M>>;
  /**
   * Has the Timelines of the library's own: settings, modes, members, devices, notes. They have to outlive messages, so
   * it has no TTL. Default `store`; required where `store` has a TTL. Needs checkpoints and idempotency keys.
   */
  readonly state?: TimelineStore<Stored<M>> | undefined;
  /** Knows the members of each conversation: {@link timelineDirectory} or the caller's own. */
  readonly directory: Directory;
  /** Chooses between write and read mode: `writeDiffusion()`, `readDiffusion()` or `hybridDiffusion()`. */
  readonly diffusion: Diffusion;
  /** Asked before each action of a user. Default: everything is allowed. */
  readonly authorize?: Authorize | undefined;
  /**
   * Inbox entries carry a copy of the body, or refer to the body in the conversation. A number refers to bodies of at
   * least this many bytes of JSON. Default `copy`; `reference`, and nothing else, if `sync` cannot update.
   */
  readonly bodies?: 'copy' | 'reference' | number | undefined;
  /** The past that a new member sees. Default `since-joining`. Needs a directory that keeps memberships. */
  readonly newcomers?: 'all' | 'since-joining' | { readonly last: number } | undefined;
  /** Messages of each conversation for a device whose unread inbox entries have expired. Default 50, at most 1000. */
  readonly resyncLast?: number | undefined;
  /**
   * Milliseconds for which one note of pending work covers the appends of this process to a conversation. Default
   * 300,000.
   */
  readonly leaseMs?: number | undefined;
  /** Milliseconds between searches for work of dead processes; 0: only {@link MessageSync.recover}. Default 10,000. */
  readonly recoverEveryMs?: number | undefined;
  /** Milliseconds after which a waiting subscription reads again without a wake-up. Default 1000. */
  readonly pollMs?: number | undefined;
  /**
   * `true`: `markRead` of a member tells those who sent messages between the old and the new position, by a message of
   * kind `receipt`. In conversations of at most 100 members; looks at the last 1000 entries. Default `false`. All
   * processes have to know the kind: turn it on once no older version runs.
   */
  readonly receipts?: boolean | undefined;
  /**
   * `true`: devices get a message of kind `join` or `leave` for each join and leave of their conversations, in the
   * order of the conversation. A join of the device's user is the first of the membership, the user's leave the last.
   * Needs a directory with `apply`. Default `false`. All processes have to know the kinds: turn it on once no older
   * version runs.
   */
  readonly membershipEvents?: boolean | undefined;
  /**
   * Milliseconds after which a device that is not used is forgotten, at least 1000: when another device of the user is
   * used or its user's devices are listed, and once a day. Not used means neither a pull, a subscription nor an
   * acknowledgement. Default: never.
   */
  readonly deviceTtlMs?: number | undefined;
  /** Called with conditions that an operator should know. Default: `process.emitWarning`. */
  readonly onWarning?: ((warning: AdapterWarning) => void) | undefined;
}
