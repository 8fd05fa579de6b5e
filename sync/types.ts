import type { Abortable, AdapterWarning, Cursor, Timeline, TimelineError, TimelineStore } from '../src/index.js';
import type { Mode, Stored, Synced } from './entry-types.js';

export type * from './entry-types.js';

/** Options of `createSync`. */
export interface SyncOptions<M> {
  /** Has a Timeline per conversation. Needs checkpoints and idempotency keys. */
  readonly store: TimelineStore<Stored<M>>;
  /** Has a Timeline per user. May use another database; usually has a TTL. Needs checkpoints and idempotency keys. */
  readonly sync: TimelineStore<Synced<M>>;
  /** Knows the members of each conversation: {@link timelineDirectory} or the caller's own. */
  readonly directory: Directory;
  /** Chooses between write and read mode: `writeDiffusion()`, `readDiffusion()` or `hybridDiffusion()`. */
  readonly diffusion: Diffusion;
  /**
   * Inbox entries carry a copy of the body, or refer to the body in the conversation. A number refers to bodies of at
   * least this many bytes of JSON. Default `copy`.
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
  /** Called with conditions that an operator should know. Default: `process.emitWarning`. */
  readonly onWarning?: ((warning: AdapterWarning) => void) | undefined;
}

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

/** A message to send. */
export interface OutgoingMessage<M> {
  /** Name of the conversation, of at most 400 bytes. It comes into being with its first message. */
  readonly conversation: string;
  /** Name of the user who sends, of at most 200 bytes. Need not be a member. */
  readonly sender: string;
  /** Any value that the codecs of both libraries encode, but not `undefined`. */
  readonly body: M;
  /** The client's message id: sent again with it, from any process, the message is stored once. At most 1000 bytes. */
  readonly key?: string | undefined;
}

/** A stored entry. */
export interface Sent {
  /** SeqId in the conversation. */
  readonly seqId: bigint;
  /** `true` if an earlier call with the same key stored it. */
  readonly duplicate: boolean;
  /** Resolves once every recipient's inbox holds it, in read mode at once. A rejection is never unhandled. */
  readonly delivered: Promise<Delivery>;
}

/** The result of a fan-out. */
export interface Delivery {
  /** Inboxes written by this process; 0 in read mode, and if another process delivered the message. */
  readonly recipients: number;
  /**
   * Recipients that can never be reached, for example a user whose name is no valid Timeline id. Empty if another
   * process delivered the message.
   */
  readonly refused: readonly { readonly user: string; readonly error: TimelineError }[];
}

/** Sends messages to conversations and syncs them to the members' devices. */
export interface MessageSync<M> extends AsyncDisposable {
  /**
   * Stores a message and starts its fan-out. Resolves once it is stored. Another message with the same key rejects with
   * `TIMELINE_KEY_CONFLICT`. After `TIMELINE_OUTCOME_UNKNOWN` or `TIMELINE_ABORTED`, send it again with the same key.
   *
   * @example
   * const { seqId, delivered } = await sync.send({ conversation: 'team', sender: 'ann', body, key: clientMessageId });
   * await delivered;
   */
  send(message: OutgoingMessage<M>, options?: Abortable): Promise<Sent>;
  /**
   * Changes a message everywhere. Resolves as {@link send} does. Rejects with `TIMELINE_NOT_FOUND` if there is none, or
   * it was recalled; with `TIMELINE_UNSUPPORTED` if the store library lacks the capability `update`.
   */
  edit(conversation: string, seqId: bigint, body: M, options?: { readonly key?: string | undefined }): Promise<Sent>;
  /**
   * Recalls a message and removes its body everywhere. Idempotent. Rejects with `TIMELINE_NOT_FOUND` if there is none,
   * and with `TIMELINE_UNSUPPORTED` as {@link edit} does.
   */
  recall(conversation: string, seqId: bigint): Promise<Sent>;
  /**
   * Makes users members from here on. Resolves once the join is stored; `delivered` once it is in force.
   *
   * @example
   * const { delivered } = await sync.join('team', ['ann', 'bob']);
   * await delivered;
   */
  join(conversation: string, users: string | readonly string[]): Promise<Sent>;
  /** Ends memberships: later messages no longer reach these users. Resolves as {@link join} does. */
  leave(conversation: string, users: string | readonly string[]): Promise<Sent>;
  /** Returns the Timeline of a conversation, to be read in both directions from any position. */
  history(conversation: string): Timeline<Stored<M>>;
  /** Returns a device of a user. Does no I/O. */
  device(user: string, device: string, options?: DeviceOptions): Device<M>;
  /**
   * Lists a user's conversations, the one with the newest message first.
   *
   * @example
   * for await (const { conversation, last, unread } of sync.conversations('ann')) show(conversation, last, unread);
   */
  conversations(user: string): AsyncIterable<ConversationSummary<M>>;
  /**
   * Advances a user's read position, and tells the user's devices. The position never moves back: resolves with the one
   * in force.
   */
  markRead(user: string, conversation: string, seqId: bigint): Promise<bigint>;
  /**
   * Finishes the fan-outs that other processes, dead or alive, have not, and resolves once their messages are
   * delivered. `resumed` counts the conversations that were behind. Looks at conversations that a process has noted;
   * with `all`, at every conversation of the store library (needs the capability `timelines`). Each process does that
   * once a day.
   */
  recover(options?: { readonly all?: boolean | undefined }): Promise<{ readonly resumed: number }>;
  /** Finishes the fan-outs under way. The libraries stay open. Idempotent. */
  close(): Promise<void>;
}

/** One conversation in a user's list. */
export interface ConversationSummary<M> {
  /** Name of the conversation. */
  readonly conversation: string;
  /** The newest message that the user sees; without `body` if it was recalled. */
  readonly last?: { readonly seqId: bigint; readonly sender: string; readonly body?: M; readonly sentAt: number };
  /** Last SeqId of the conversation, of an entry of any kind. */
  readonly lastSeqId: bigint;
  /** The user's read position; 0n for none. */
  readonly readSeqId: bigint;
  /** The number of messages of others after `readSeqId`, without recalled ones. */
  readonly unread: number;
}

/** Options of a device. */
export interface DeviceOptions {
  /** The position at which a new device starts. Default `oldest`: with everything that the inbox still holds. */
  readonly start?: 'oldest' | 'now' | { readonly last: number } | undefined;
}

/** One device of one user. Each device has its own position. */
export interface Device<M> {
  /** Name of the user. */
  readonly user: string;
  /** Name of the device, unique among those of the user. */
  readonly device: string;
  /**
   * Reads messages after the acknowledged position: the same again until they are acknowledged. `limit` is 100 by
   * default and at most 10,000.
   *
   * @example
   * const page = await device.pull({ limit: 200 });
   * show(page.messages);
   * await device.ack(page.cursor);
   */
  pull(options?: { readonly limit?: number | undefined } & Abortable): Promise<PullPage<M>>;
  /**
   * Acknowledges a page, or a message and all before it: they do not come again. The position never moves back. Rejects
   * with `TIMELINE_INVALID_CURSOR` for anything but a cursor of this device.
   */
  ack(cursor: Cursor): Promise<void>;
  /**
   * Yields messages after the acknowledged position, then new ones until `signal` or `close` ends it. Acknowledges
   * nothing.
   *
   * @example
   * for await (const message of device.subscribe({ signal })) show(message);
   */
  subscribe(options?: Abortable): AsyncIterable<SyncMessage<M>>;
}

/** A page of messages. */
export interface PullPage<M> {
  /** Messages after the acknowledged position, each conversation in its order. Empty if there are none. */
  readonly messages: SyncMessage<M>[];
  /** Acknowledges the whole page; see {@link Device.ack}. */
  readonly cursor: Cursor;
  /** `true` if nothing was left after this page. */
  readonly upToDate: boolean;
  /** The device's unread inbox entries are gone: replace everything that it shows with this page and what follows. */
  readonly resynced: boolean;
}

/** A message, or a change of one, on its way to a device. */
export interface SyncMessage<M> {
  /** Name of the conversation. */
  readonly conversation: string;
  /** SeqId of the message: for `edit` and `recall` of the message they change, for `read` of the last one read. */
  readonly seqId: bigint;
  /** SeqId of this entry itself: of several edits, the one with the highest counts. */
  readonly entrySeqId: bigint;
  /** Name of the user who sent the message; for `read`, of the device's own user. */
  readonly sender: string;
  /** The body of a message or edit. Absent for `recall` and `read`, and if the message was recalled. */
  readonly body?: M;
  /** `edit`: the message has this body now. `recall`: it is gone. `read`: the user has read up to it. */
  readonly kind: 'message' | 'edit' | 'recall' | 'read';
  /** The message, or the one that an edit changes, was recalled before this device got it. */
  readonly recalled?: true;
  /** The conversation's entry does not decode: there is no body, and kind and sender may be `message` and `''`. */
  readonly undecodable?: true;
  /** In a subscription: replace everything that the device shows with this message and what follows. */
  readonly resynced?: true;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
  /** Acknowledges this message and all before it; see {@link Device.ack}. */
  readonly cursor: Cursor;
}
