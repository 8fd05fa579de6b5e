/** A SeqId: a decimal string. */
export type WireSeqId = string;

/** Conversations that lost entries before the client got them, up to `through`. */
export interface WireTruncated {
  /** Name of the conversation. */
  readonly conversation: string;
  /** SeqId of the last entry that is gone. */
  readonly through: WireSeqId;
}

/** A user's settings of one conversation. */
export interface WireSettings {
  /** The user wants no notifications. */
  readonly muted: boolean;
  /** The user has put the conversation away. */
  readonly archived: boolean;
  /** The conversation stands before all that are not pinned. */
  readonly pinned: boolean;
}

/**
 * A `SyncMessage` as JSON. Two with equal `conversation`, `kind`, `seqId`, `entrySeqId` and `sender` are the same:
 * `entrySeqId` is the entry itself, `seqId` the message that it concerns. The sender's key is not part of it: the
 * answer to the send has the `seqId` to look for.
 */
export interface WireMessage<M> {
  /** Name of the conversation. */
  readonly conversation: string;
  /** SeqId of the message: for `edit` and `recall` of the one that changes, for `read`, `receipt` of the last read. */
  readonly seqId: WireSeqId;
  /** SeqId of this entry: of several edits of a message, and of several `settings`, the highest counts. */
  readonly entrySeqId: WireSeqId;
  /** As in `SyncMessage`. Signals have frames of their own. */
  readonly kind: 'message' | 'edit' | 'recall' | 'read' | 'receipt' | 'settings' | 'join' | 'leave';
  /** Sender of the message; for `receipt` the reader; for `read`, `settings` the user; for `join`, `leave` `by`. */
  readonly sender: string;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
  /** Of a `message` or `edit`, unless it was recalled or does not decode. */
  readonly body?: M;
  /** Of an `edit`, `recall`, `join`, `leave`: name of the user who did it. */
  readonly by?: string;
  /** The message is not counted as unread. */
  readonly countable?: false;
  /** SeqId of the message that this one relates to. */
  readonly relatesTo?: WireSeqId;
  /** Names of the users that it mentions. */
  readonly mentions?: readonly string[];
  /** In history: the newest message of each sender that relates to this one, oldest first. */
  readonly related?: readonly WireMessage<M>[];
  /** Of a `join` or `leave`: names of the users who came or left. */
  readonly users?: readonly string[];
  /** Of `settings`: all settings of the conversation. */
  readonly settings?: WireSettings;
  /** The message, or the one that an edit changes, was recalled. */
  readonly recalled?: true;
  /** In history: the body is that of an edit. */
  readonly edited?: true;
  /** The server cannot decode it. */
  readonly undecodable?: true;
  /** In streams: the first message after a `resync` frame. */
  readonly resynced?: true;
  /** In streams: conversations that lost entries before this message. */
  readonly truncated?: readonly WireTruncated[];
}

/** A signal of a member; nothing of it is stored. */
export interface WireSignal {
  /** Name of the conversation. */
  readonly conversation: string;
  /** Name of the member who sent it. */
  readonly from: string;
  /** Any JSON value. */
  readonly body: unknown;
  /** Conversations that lost entries before this signal. */
  readonly truncated?: readonly WireTruncated[];
  /** Milliseconds since 1970. */
  readonly sentAt: number;
}
