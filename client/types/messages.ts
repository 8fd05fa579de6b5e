import type { Outgoing } from './outgoing.js';

/** A message as it is shown, with everything folded into it that came later. Immutable. */
export interface ShownMessage<M> {
  /** The same for as long as the message is shown, for example as the key of a list in React. */
  readonly key: string;
  /** SeqId in the conversation. Absent: it is not stored yet. */
  readonly seqId?: bigint | undefined;
  /** Name of the user who sent it. An own message may have `''` until the first connection tells the user's name. */
  readonly sender: string;
  /** The user of this client sent it, on any device. */
  readonly isOwn: boolean;
  /** Absent if it was recalled, or does not decode. */
  readonly body?: M | undefined;
  /** Milliseconds since 1970 at which it was stored; until then, at which `send` was called. */
  readonly sentAt: number;
  /** `pending`: not stored yet, or an own edit or recall of it is not. `failed`: refused, see `outgoing`. */
  readonly status: 'pending' | 'sent' | 'failed';
  /** Its body is that of an edit. */
  readonly edited: boolean;
  /** It was recalled, and has no body any more. */
  readonly recalled: boolean;
  /** The server could not decode it. */
  readonly undecodable?: true;
  /** Names of the members known to have read it. Only of own messages, and where the server sends receipts. */
  readonly readBy: readonly string[];
  /** The newest message of each sender that relates to it, such as reactions, oldest first. */
  readonly related: readonly RelatedMessage<M>[];
  /** SeqId of the message that it relates to. */
  readonly relatesTo?: bigint | undefined;
  /** Names of the users that it mentions. */
  readonly mentions?: readonly string[] | undefined;
  /** For `pending` and `failed`: try again, or discard it. */
  readonly outgoing?: Outgoing<M>;
}

/** A message that relates to another one. Immutable. */
export interface RelatedMessage<M> {
  /** SeqId of this message itself. Absent: it is not stored yet. */
  readonly seqId?: bigint | undefined;
  /** Name of the user who sent it; `''` as in {@link ShownMessage}. */
  readonly sender: string;
  /** Its body. */
  readonly body?: M | undefined;
  /** Milliseconds since 1970 at which it was stored, or sent. */
  readonly sentAt: number;
  /** `false`: a reaction, which no list shows by itself. Absent: a message of the list too. */
  readonly countable?: boolean | undefined;
}

/** The last message of a conversation. */
export interface LastMessage<M> {
  /** SeqId of the message. */
  readonly seqId: bigint;
  /** Name of the user who sent it. */
  readonly sender: string;
  /** Absent if it was recalled. */
  readonly body?: M | undefined;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
  /** It was edited. */
  readonly edited?: true;
  /** It was recalled. */
  readonly recalled?: true | undefined;
}
