import type { WireSeqId } from './messages.js';

/** Body of `POST /conversations/:id/messages`. */
export interface SendBody<M> {
  /** The message. */
  readonly body: M;
  /** The client's id of the message: sent again with it, it is stored once. At most 512 bytes. */
  readonly key?: string;
  /** SeqId of the message that this one relates to. */
  readonly relatesTo?: WireSeqId;
  /** `false`: not counted as unread. Default `true`. */
  readonly countable?: boolean;
  /** Names of users, at most 100. */
  readonly mentions?: readonly string[];
}

/**
 * Body of `POST /conversations/:id/batch`. Messages are stored in their order. One that is refused delays no other;
 * behind one whose storing failed nothing is stored: send it again, and those after it, with the same keys.
 */
export interface BatchBody<M> {
  /** At least one, and at most as many as the limit `batch`. Each has a key. */
  readonly messages: readonly (SendBody<M> & { readonly key: string })[];
}

/** Body of `PATCH /conversations/:id/messages/:seqId`. */
export interface EditBody<M> {
  /** The new body. */
  readonly body: M;
  /** The client's id of the edit. At most 512 bytes. */
  readonly key?: string;
}

/** Body of `PUT /conversations/:id/read`. */
export interface ReadBody {
  /** The last message read. */
  readonly seqId: WireSeqId;
}

/** Body of `POST /conversations/:id/signals`. */
export interface SignalBody {
  /** A JSON value of at most 16 KiB. */
  readonly body: unknown;
}

/** Body of `POST /ack`. */
export interface AckBody {
  /** `id` of a frame, or `cursor` of a page. */
  readonly cursor: string;
}

/** Body of `POST /conversations/:id/members`. */
export interface JoinBody {
  /** Names of the new members. */
  readonly users: readonly string[];
  /** The client's id of this call. At most 512 bytes. */
  readonly key?: string;
}
