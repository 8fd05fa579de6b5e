import type { TimelineError } from '../../src/index.js';

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
