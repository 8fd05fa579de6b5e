/** One entry that arrived, of the kinds of `SyncMessage` in `timeline-model/sync`, which documents the fields. */
export interface ChatEntry<M> {
  /** `message`, a change of one (`edit`, `recall`), or a change of the user's or others' position or settings. */
  readonly kind: 'message' | 'edit' | 'recall' | 'read' | 'receipt' | 'settings' | 'join' | 'leave';
  /** Name of the conversation. */
  readonly conversation: string;
  /** SeqId of the message that it is, or concerns. */
  readonly seqId: bigint;
  /** SeqId of this entry itself. */
  readonly entrySeqId: bigint;
  /** Name of the user who sent the message, or read it. */
  readonly sender: string;
  /** The body of a message or edit. */
  readonly body?: M | undefined;
  /** Name of the user who edited, recalled, added or removed. */
  readonly by?: string;
  /** `false`: not counted as unread. */
  readonly countable?: boolean | undefined;
  /** SeqId of the message that it relates to. */
  readonly relatesTo?: bigint | undefined;
  /** Names of the users that it mentions. */
  readonly mentions?: readonly string[] | undefined;
  /** Names of the users who came or left. */
  readonly users?: readonly string[];
  /** All settings of the conversation after a change. */
  readonly settings?: ChatSettings;
  /** It was recalled before it arrived. */
  readonly recalled?: true;
  /** The server could not decode it. */
  readonly undecodable?: true;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
}

/** A signal, such as typing. Not stored; it may be lost. */
export interface ChatSignal {
  /** Name of the conversation. */
  readonly conversation: string;
  /** Name of the user who sent it. */
  readonly from: string;
  /** Any JSON value. */
  readonly body: unknown;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
}

/** Settings of a conversation, the same on all devices of the user. */
export interface ChatSettings {
  /** The user wants no notifications. */
  readonly muted: boolean;
  /** The user has put it away. */
  readonly archived: boolean;
  /** It stands before all that are not pinned. */
  readonly pinned: boolean;
}
