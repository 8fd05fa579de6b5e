import type { AdapterWarning } from '../src/adapter.js';
import type { TimelineError } from '../src/errors.js';
import type { Abortable, Cursor, Timeline, TimelineStore } from '../src/types.js';

/** How a conversation reaches its members: a copy to each inbox, or read by each from the conversation itself. */
export type Mode = 'write' | 'read';

/**
 * What the store library holds. A conversation's Timeline carries messages and, at their place between them, what
 * changes the conversation; `state` is the library's own, in Timelines of several parts. Ids are decimal strings.
 */
export type Stored<M> =
  | StoredMessage<M>
  /** Without `body`: its target was recalled. */
  | { readonly kind: 'edit'; readonly sender: string; readonly target: string; readonly body?: M }
  | { readonly kind: 'recall'; readonly sender: string; readonly target: string }
  | { readonly kind: 'join' | 'leave'; readonly users: readonly string[] }
  | { readonly kind: 'mode'; readonly mode: Mode }
  | { readonly kind: 'state'; readonly state: unknown };

/** A message as roaming shows it: its body is that of the newest edit, and gone once it is recalled. */
export interface StoredMessage<M> {
  readonly kind: 'message';
  readonly sender: string;
  readonly body?: M;
  /** SeqId of the edit that `body` comes from. */
  readonly edited?: string;
  /** SeqId of the recall. */
  readonly recalled?: string;
}

/** What the sync library holds: one Timeline per user. Without `body`, an entry refers to the conversation's. */
export type Synced<M> =
  | {
      readonly kind: 'message' | 'edit' | 'recall';
      readonly conversation: string;
      readonly seqId: string;
      readonly sender: string;
      readonly sentAt: number;
      readonly target?: string;
      readonly body?: M;
      /** Kind, sender and target are those of the conversation's entry, which did not decode when this was written. */
      readonly undecodable?: true;
    }
  /** From this place of the conversation on, it is read from its own Timeline. A user's join says so too: `from` is where what the user sees begins. */
  | { readonly kind: 'mode'; readonly conversation: string; readonly seqId: string; readonly from?: string }
  /** The user has read up to here, on one of the devices. */
  | { readonly kind: 'read'; readonly conversation: string; readonly seqId: string };

export interface SyncOptions<M> {
  /** A Timeline per conversation. Needs checkpoints and idempotency keys, as `sync` does. */
  readonly store: TimelineStore<Stored<M>>;
  /** A Timeline per user. May be in another database; usually has a TTL. */
  readonly sync: TimelineStore<Synced<M>>;
  readonly directory: Directory;
  readonly diffusion: Diffusion;
  /** Whether inbox entries carry the body or refer to the conversation's; a number refers from that many bytes of JSON on. Default `copy`. */
  readonly bodies?: 'copy' | 'reference' | number | undefined;
  /** What a new member sees of the past. Default `since-joining`. Needs a directory that keeps memberships. */
  readonly newcomers?: 'all' | 'since-joining' | { readonly last: number } | undefined;
  /** Messages of each conversation that a device gets which slept past the TTL. Default 50. */
  readonly resyncLast?: number | undefined;
  /** Milliseconds for which one note of pending work covers the appends of a process to a conversation. Default 300,000. */
  readonly leaseMs?: number | undefined;
  /** Milliseconds between looks for work that dead processes left; 0: only {@link MessageSync.recover} looks. Default 10,000. */
  readonly recoverEveryMs?: number | undefined;
  /** Milliseconds between the looks of a waiting device when no wake-up comes. Default 1000. */
  readonly pollMs?: number | undefined;
  /** Conditions that an operator should know of. Default: `process.emitWarning`. */
  readonly onWarning?: ((warning: AdapterWarning) => void) | undefined;
}

export type Listing<T> = Iterable<T> | AsyncIterable<T> | Promise<Iterable<T>>;

/** Who is in which conversation. Listings are read as they come and may be of any length. */
export interface Directory {
  /** The members; with `at`, a directory that keeps history answers for that place of the conversation. */
  members(conversation: string, options?: { readonly at: bigint }): Listing<string>;
  conversations(user: string): Listing<string | Membership>;
  /** How many members; absent: they are counted, as far as the decision needs. */
  size?(conversation: string): number | Promise<number>;
  /** Takes a join or a leave, in the order of the conversation; repeated after a crash, with the same `at`. */
  apply?(conversation: string, change: MembershipChange): Promise<void>;
  /** Other processes may have applied changes: look again before the next answer. */
  refresh?(conversation: string): Promise<void>;
  /** How far earlier stays showed the conversation to a user who joins at `at`: 0n if there were none, `at` if one goes on. */
  seenThrough?(conversation: string, user: string, at: bigint): Promise<bigint>;
}

export interface Membership {
  readonly conversation: string;
  /** SeqId of the join. */
  readonly joinedAt: bigint;
  /** The member sees what comes after this SeqId. */
  readonly from: bigint;
}

export interface MembershipChange {
  readonly kind: 'join' | 'leave';
  readonly users: readonly string[];
  /** SeqId in the conversation. */
  readonly at: bigint;
  /** For joins: per user, the SeqId after which the newcomer sees the conversation. */
  readonly from?: readonly bigint[];
}

/** Chooses the mode of a conversation; asked before the first message and again as the conversation goes on. */
export interface Diffusion {
  /** The modes that it may choose. */
  readonly modes: readonly Mode[];
  choose(about: Audience): Mode | Promise<Mode>;
}

export interface Audience {
  readonly conversation: string;
  /** The mode that holds at present. */
  readonly mode: Mode;
  /** The number of members, counted no further than `atMost`. */
  size(atMost: number): Promise<number>;
}

export interface OutgoingMessage<M> {
  readonly conversation: string;
  readonly sender: string;
  readonly body: M;
  /** The client's message id: with it, sending again from any process yields one message. At most 1000 bytes. */
  readonly key?: string | undefined;
}

export interface Sent {
  /** Its place in the conversation. */
  readonly seqId: bigint;
  readonly duplicate: boolean;
  /** Resolves once every recipient's Timeline holds it, in read diffusion at once. A rejection is never unhandled. */
  readonly delivered: Promise<Delivery>;
}

export interface Delivery {
  /** Inboxes written by this process; 0 in read diffusion. */
  readonly recipients: number;
  /** Recipients that can never be reached, such as a user whose name is no Timeline id. */
  readonly refused: readonly { readonly user: string; readonly error: TimelineError }[];
}

export interface MessageSync<M> extends AsyncDisposable {
  /** Stores, then diffuses. Resolves once stored. */
  send(message: OutgoingMessage<M>, options?: Abortable): Promise<Sent>;
  /** Changes a message that was sent, everywhere. `TIMELINE_NOT_FOUND` if it is not there or was recalled. */
  edit(conversation: string, seqId: bigint, body: M, options?: { readonly key?: string | undefined }): Promise<Sent>;
  /** Takes a message back, everywhere; its body is gone. Idempotent. */
  recall(conversation: string, seqId: bigint): Promise<Sent>;
  /** Makes users members from here on. Resolves once it is recorded in the conversation; `delivered` once it holds. */
  join(conversation: string, users: string | readonly string[]): Promise<Sent>;
  /** What comes after it no longer reaches them. */
  leave(conversation: string, users: string | readonly string[]): Promise<Sent>;
  /** Roaming: the conversation, both ways from anywhere. */
  history(conversation: string): Timeline<Stored<M>>;
  device(user: string, device: string, options?: DeviceOptions): Device<M>;
  /** A user's conversations, the one with the newest message first. */
  conversations(user: string): AsyncIterable<ConversationSummary<M>>;
  /** Law Checkpoint: never back. Resolves with what stands; the user's devices hear of it. */
  markRead(user: string, conversation: string, seqId: bigint): Promise<bigint>;
  /** Finishes what other processes, dead or alive, have begun and not ended. */
  /**
   * Finishes the fan-outs that dead processes left, and resolves once their messages are delivered. `resumed` is the
   * number of conversations that were behind. Looks at conversations that some process has noted; with `all`, at every
   * conversation of the store library (needs the capability `timelines`), as each process does once a day by itself.
   */
  recover(options?: { readonly all?: boolean | undefined }): Promise<{ readonly resumed: number }>;
  /** Lets fan-outs under way end; the libraries stay open. Idempotent. */
  close(): Promise<void>;
}

export interface ConversationSummary<M> {
  readonly conversation: string;
  readonly last?: { readonly seqId: bigint; readonly sender: string; readonly body?: M; readonly sentAt: number };
  readonly lastSeqId: bigint;
  readonly readSeqId: bigint;
  /** Messages after `readSeqId` by others that were not recalled. */
  readonly unread: number;
}

export interface DeviceOptions {
  /** Where a device begins that was never seen before. Default `oldest`: all that is kept. */
  readonly start?: 'oldest' | 'now' | { readonly last: number } | undefined;
}

/** One device of one user, with a position of its own. */
export interface Device<M> {
  readonly user: string;
  readonly device: string;
  /** What is new since the last acknowledged page: the same again until it is acknowledged. */
  pull(options?: { readonly limit?: number | undefined } & Abortable): Promise<PullPage<M>>;
  /** Never moves back; an acknowledged page, or message and all before it, does not come again. */
  ack(cursor: Cursor): Promise<void>;
  /** What is there after the acknowledged position, then what comes. */
  subscribe(options?: Abortable): AsyncIterable<SyncMessage<M>>;
}

export interface PullPage<M> {
  readonly messages: SyncMessage<M>[];
  /** For {@link Device.ack}. */
  readonly cursor: Cursor;
  /** Nothing was left beyond this page. */
  readonly upToDate: boolean;
  /** The device fell behind what the sync library keeps: what it shows should be replaced by what comes from here on. */
  readonly resynced: boolean;
}

export interface SyncMessage<M> {
  readonly conversation: string;
  /** The message: for `edit` and `recall` the one they change; for `read` the last one read. */
  readonly seqId: bigint;
  /** The place of this entry itself: of several edits, the one with the highest counts. */
  readonly entrySeqId: bigint;
  readonly sender: string;
  readonly body?: M;
  readonly kind: 'message' | 'edit' | 'recall' | 'read';
  /** The message, or that which an edit changes, was recalled before it could be handed over. */
  readonly recalled?: true;
  /** The conversation's entry does not decode: no body, and where no more is known kind `message` and sender `''`. */
  readonly undecodable?: true;
  /** In a subscription: the device had fallen behind what the sync library keeps, and starts anew with this message. */
  readonly resynced?: true;
  readonly sentAt: number;
  readonly cursor: Cursor;
}
