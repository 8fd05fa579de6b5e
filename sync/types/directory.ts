import type { Mode } from './entries.js';

/** A list in any shape; items are read one by one. */
export type Listing<T> = Iterable<T> | AsyncIterable<T> | Promise<Iterable<T>>;

/**
 * The members of conversations. Lists are read item by item and may have any length. A call that needs an answer
 * rejects with `TIMELINE_UNAVAILABLE` if it takes longer than 30 seconds, and with `TIMELINE_INVALID_ARGUMENT` if it
 * has another shape. A fan-out asks again.
 *
 * @example
 * const directory: Directory = {
 *   members: (conversation) => db.membersOf(conversation),
 *   conversations: (user) => db.conversationsOf(user),
 * };
 */
export interface Directory {
  /** Lists the members now; with `at`, those at that SeqId, if the directory keeps history. */
  members(conversation: string, options?: { readonly at: bigint }): Listing<string>;
  /** Lists the user's conversations. A name without a membership lets the user see the whole conversation. */
  conversations(user: string): Listing<string | Membership>;
  /** Returns the number of members. Without it, members are counted, as far as a decision needs. */
  size?(conversation: string): number | Promise<number>;
  /** Records a join or leave, in the order of the conversation. A repetition after a crash has the same `at`. */
  apply?(conversation: string, change: MembershipChange): Promise<void>;
  /** Other processes may have recorded changes: the next answer has to include them. */
  refresh?(conversation: string): Promise<void>;
  /** Returns `true` if the entry at the SeqId `at` goes to the user. */
  isMember?(conversation: string, user: string, at: bigint): boolean | Promise<boolean>;
  /**
   * Returns the recorded `from` of a join at `at`, or `undefined` if no join is recorded there. Asked when a join is
   * applied, which may be again after a crash.
   */
  visibleAfter?(conversation: string, user: string, at: bigint): Promise<bigint | undefined>;
  /**
   * Returns the `from` of the membership that shows the entry at `at`, be it from before the join; `undefined` if that
   * is not known any more. With it, edits and recalls go only to members who see the message, or saw it in an earlier
   * membership, which takes `apply` and `isMember`. Without it, they go to all members.
   */
  visibleFrom?(conversation: string, user: string, at: bigint): bigint | undefined | Promise<bigint | undefined>;
  /**
   * The conversation was restored to an earlier state, and the directory may not have been. Changes of `epoch` with an
   * `at` behind `end` stay in force from `end` on: other entries get their SeqIds. `present` is the epoch now.
   */
  rebase?(conversation: string, lost: LostEpoch): Promise<void>;
  /** Every inbox holds all entries up to `deliveredThrough`: memberships that ended before are not asked for again. */
  compact?(conversation: string, options: { readonly deliveredThrough: bigint }): Promise<void>;
}

/** The present membership of one user in one conversation. */
export interface Membership {
  /** Name of the conversation. */
  readonly conversation: string;
  /** SeqId of the join; 0n if there was none. */
  readonly joinedAt: bigint;
  /** The member sees entries after this SeqId. */
  readonly from: bigint;
  /** The `epoch` of the join; absent if it is not known. */
  readonly epoch?: number;
}

/** An epoch of a conversation that ended with a restore. */
export interface LostEpoch {
  /** The `epoch` of its changes. */
  readonly epoch: number;
  /** The last SeqId that the conversation still has from it. */
  readonly end: bigint;
  /** The `epoch` of changes from now on. */
  readonly present: number;
}

/** A join or leave of several users. */
export interface MembershipChange {
  /** Says whether the users come or go. */
  readonly kind: 'join' | 'leave';
  /** Names of the users, each once. */
  readonly users: readonly string[];
  /** SeqId of the join or leave in the conversation. */
  readonly at: bigint;
  /** For joins: for each user, the SeqId after which the user sees the conversation. */
  readonly from?: readonly bigint[];
  /** Tells the life of the conversation: another number after each restore, which may give `at` to another entry. */
  readonly epoch: number;
}

/** Chooses the mode of a conversation, before its first message and again from time to time. */
export interface Diffusion {
  /** The modes that {@link choose} may return. */
  readonly modes: readonly Mode[];
  /** Returns the mode for the messages that follow. */
  choose(about: Audience): Mode | Promise<Mode>;
}

/** Facts for the choice of a mode. */
export interface Audience {
  /** Name of the conversation. */
  readonly conversation: string;
  /** The current mode. */
  readonly mode: Mode;
  /** Resolves with the number of members, or with `atMost` if there are more. */
  size(atMost: number): Promise<number>;
}
