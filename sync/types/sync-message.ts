import type { Cursor } from '../../src/index.js';
import type { ConversationSettings } from './entries.js';
import type { TruncatedConversation } from './truncated.js';

/**
 * A message on its way to a device: each kind has its own fields.
 *
 * @example
 * switch (message.kind) {
 *   case 'message':
 *     return show(message.seqId, message.sender, message.body);
 *   case 'edit':
 *     return replace(message.seqId, message.body);
 *   case 'recall':
 *     return remove(message.seqId);
 * }
 */
export type SyncMessage<M> =
  | ChatMessage<M>
  | EditMessage<M>
  | RecallMessage
  | ReadMessage
  | ReceiptMessage
  | SettingsMessage
  | MembershipMessage
  | SignalMessage;

/** The fields of every kind of {@link SyncMessage}. */
export interface SyncMessageFields {
  /** Name of the conversation. */
  readonly conversation: string;
  /** SeqId in the conversation; 0n for `signal`, and for `settings` the SeqId among the user's settings. */
  readonly seqId: bigint;
  /** SeqId of this entry itself: it differs from `seqId` for `edit` and `recall`. */
  readonly entrySeqId: bigint;
  /** Name of the user who caused it. */
  readonly sender: string;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
  /** In a subscription: replace everything that the device shows with this message and what follows. */
  readonly resynced?: true;
  /** In a subscription: conversations that lost entries before this message, see {@link PullPage.truncated}. */
  readonly truncated?: readonly TruncatedConversation[];
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

/** A message of a conversation. */
export interface ChatMessage<M> extends SyncMessageFields {
  /** A message that was sent. */
  readonly kind: 'message';
  /** The body of its newest edit. Absent if it was recalled, does not decode or is gone. */
  readonly body?: M;
  /** `false`: it is not counted; see {@link OutgoingMessage}. Absent: it is. */
  readonly countable?: false;
  /** SeqId of the message that this one relates to. */
  readonly relatesTo?: bigint;
  /** Names of the users that the message mentions. */
  readonly mentions?: readonly string[];
  /** Of {@link MessageSync.messages}: the newest message of each sender that relates to this one, oldest first. */
  readonly related?: readonly ChatMessage<M>[];
  /** Of {@link MessageSync.messages}: the body is that of an edit. */
  readonly edited?: true;
  /** It was recalled before this device got it. */
  readonly recalled?: true;
  /** The conversation's entry does not decode: there is no body, and `sender` may be `''`. */
  readonly undecodable?: true;
}

/** The message `seqId` has another body. Of several edits of a message, the highest `entrySeqId` counts. */
export interface EditMessage<M> extends SyncMessageFields {
  /** A change of a message. */
  readonly kind: 'edit';
  /** The body that the message has by now. Absent if it was recalled, does not decode or is gone. */
  readonly body?: M;
  /** Name of the user who edited it, if the call named one. `sender` is the sender of the message. */
  readonly by?: string;
  /** The message was recalled before this device got the edit. */
  readonly recalled?: true;
  /** The edit does not decode: there is no body. */
  readonly undecodable?: true;
}

/** The message `seqId` is gone. */
export interface RecallMessage extends SyncMessageFields {
  /** The end of a message. */
  readonly kind: 'recall';
  /** Name of the user who recalled it, if the call named one. `sender` is the sender of the message. */
  readonly by?: string;
}

/** The device's own user, `sender`, has read the conversation up to `seqId`. */
export interface ReadMessage extends SyncMessageFields {
  /** A read position of the user. */
  readonly kind: 'read';
}

/** The member `sender` has read messages of the device's user, up to `seqId`; see {@link SyncOptions.receipts}. */
export interface ReceiptMessage extends SyncMessageFields {
  /** A read position of another member. */
  readonly kind: 'receipt';
}

/** The device's own user, `sender`, has other settings. Of several for a conversation the highest `seqId` counts. */
export interface SettingsMessage extends SyncMessageFields {
  /** Settings of the user. */
  readonly kind: 'settings';
  /** All settings of the conversation after the change. */
  readonly settings: ConversationSettings;
}

/** Users became members, or left; see {@link SyncOptions.membershipEvents}. `sender` is `by`, or `''` without it. */
export interface MembershipMessage extends SyncMessageFields {
  /** Says whether the users come or go. */
  readonly kind: 'join' | 'leave';
  /** Names of the users who came or left. */
  readonly users: readonly string[];
  /** Name of the user who added or removed them, if the call named one. */
  readonly by?: string;
}

/** The member `sender` has called {@link MessageSync.signal}. Only in subscriptions. */
export interface SignalMessage extends SyncMessageFields {
  /** A value that is not stored. */
  readonly kind: 'signal';
  /** The JSON value of the call, whatever its type. */
  readonly body: unknown;
}
