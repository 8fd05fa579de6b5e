import type { Cursor, TimelineError } from '../../src/index.js';
import type { ConversationSettings } from './entries.js';
import type { TruncatedConversation } from './truncated.js';

/** A message to send. */
export interface OutgoingMessage<M> {
  /** Name of the conversation, of at most 400 bytes. It comes into being with its first message. */
  readonly conversation: string;
  /**
   * Name of the user who sends, of at most 200 bytes. Need not be a member: a message reaches the members at its place,
   * and its sender's devices only if the sender is one of them.
   */
  readonly sender: string;
  /** Any value that the codecs of both libraries encode, but not `undefined`. */
  readonly body: M;
  /** The client's message id: sent again with it, from any process, the message is stored once. At most 1000 bytes. */
  readonly key?: string | undefined;
  /** `false` for reactions, pins and notices: not counted as unread, and never a list's `last`. Default `true`. */
  readonly countable?: boolean | undefined;
  /** SeqId of the message of this conversation that it relates to. `TIMELINE_NOT_FOUND` if there is none. */
  readonly relatesTo?: bigint | string | undefined;
  /** Names of users, at most 100. Their list counts the unread ones apart. */
  readonly mentions?: readonly string[] | undefined;
}

/** A value that is passed on and not stored. */
export interface OutgoingSignal {
  /** Name of the member who sends it. */
  readonly from: string;
  /** A JSON value of at most 16 KiB. */
  readonly body: unknown;
}

/** A stored entry. */
export interface Sent {
  /** SeqId in the conversation. */
  readonly seqId: bigint;
  /** `true` if an earlier call with the same key stored it. */
  readonly duplicate: boolean;
  /** Resolves once every recipient's inbox holds it, in read mode at once. A rejection is never unhandled. */
  readonly delivered: Promise<Delivery>;
  /** Plain data for JSON, with the SeqId as a decimal string and without `delivered`. */
  toJSON(): unknown;
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

/** A message, or a change of one, on its way to a device. */
export interface SyncMessage<M> {
  /** Name of the conversation. */
  readonly conversation: string;
  /**
   * SeqId of the message: for `edit` and `recall` of the message they change, for `read` and `receipt` of the last one
   * read. For `settings`, `join` and `leave` as `entrySeqId`; 0n for `signal`.
   */
  readonly seqId: bigint;
  /**
   * SeqId of this entry itself: of several edits of a message the highest counts. For `settings` the SeqId among the
   * user's settings: of several for a conversation the highest counts.
   */
  readonly entrySeqId: bigint;
  /**
   * Name of the user who sent the message; for `read` and `settings`, of the device's own user; for `receipt`, of the
   * reader; for `join` and `leave`, `by`, or `''` without it.
   */
  readonly sender: string;
  /**
   * The body of a message or edit, for an edit the one that the message has by now. Absent for other kinds, and if
   * the message was recalled. Of a `signal`, the JSON value of the call, whatever its type.
   */
  readonly body?: M;
  /** `edit`, `recall`, `join` and `leave`: name of the user who did it, if the call named one. */
  readonly by?: string;
  /**
   * `edit`: the message has this body now. `recall`: it is gone. `read`: the user has read up to it. `settings`: the
   * user has other settings of the conversation. `receipt`: the member `sender` has read up to it.
   * `join` and `leave`: `users` became members here, or left. `signal`: `sender` has called {@link MessageSync.signal};
   * only in subscriptions.
   */
  readonly kind: 'message' | 'edit' | 'recall' | 'read' | 'receipt' | 'settings' | 'join' | 'leave' | 'signal';
  /** `false` for a message that is not counted; see {@link OutgoingMessage}. Absent for others. */
  readonly countable?: false;
  /** SeqId of the message that this one relates to. */
  readonly relatesTo?: bigint;
  /** Names of the users that the message mentions. */
  readonly mentions?: readonly string[];
  /** Of {@link MessageSync.messages}: the newest message of each sender that relates to this one, oldest first. */
  readonly related?: readonly SyncMessage<M>[];
  /** For `join` and `leave`: names of the users who came or left. */
  readonly users?: readonly string[];
  /** For `settings`: all settings of the conversation after the change. */
  readonly settings?: ConversationSettings;
  /** The message, or the one that an edit changes, was recalled before this device got it. */
  readonly recalled?: true;
  /** Of {@link MessageSync.messages}: the body is that of an edit. */
  readonly edited?: true;
  /** The conversation's entry does not decode: there is no body, and kind and sender may be `message` and `''`. */
  readonly undecodable?: true;
  /** In a subscription: replace everything that the device shows with this message and what follows. */
  readonly resynced?: true;
  /** In a subscription: conversations that lost entries before this message, see {@link PullPage.truncated}. */
  readonly truncated?: readonly TruncatedConversation[];
  /** Milliseconds since 1970. */
  readonly sentAt: number;
  /**
   * Acknowledges this message and all before it, of a signal all before it; see {@link Device.ack}. At most 200 bytes,
   * unless the client keeps the position. It is made on demand and not enumerable: neither JSON nor a copy (`{
   * ...message }`) has it. Of {@link MessageSync.messages}: the message's position in the conversation, for `before`
   * and `after`.
   */
  readonly cursor: Cursor;
  /** Plain data for JSON, with SeqIds as decimal strings. */
  toJSON(): unknown;
}
