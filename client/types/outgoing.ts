import type { ChatError } from '../chat-error.js';

/** Options of {@link ChatClient.send}. */
export interface SendOptions {
  /** The client's id of the message: sent again with it, it is stored once. Default: a random one. */
  readonly key?: string | undefined;
  /** SeqId of the message of this conversation that it relates to. */
  readonly relatesTo?: bigint | string | undefined;
  /** Names of the users that it mentions, at most 100. */
  readonly mentions?: readonly string[] | undefined;
  /** `false`: not counted as unread. Default `true`. */
  readonly countable?: boolean | undefined;
}

/** A message, edit or recall on its way to the server. `status`, `error` and `sent` change. */
export interface Outgoing<M> {
  /** Id by which the server knows it again. */
  readonly key: string;
  /** Name of the conversation. */
  readonly conversation: string;
  /** `send`: a message or reaction. */
  readonly kind: 'send' | 'edit' | 'recall';
  /** For `edit` and `recall`, SeqId of the message; of a message, the one that it relates to. */
  readonly target?: bigint | undefined;
  /** The body of a message or edit. */
  readonly body?: M | undefined;
  /** `pending`: it is sent, and sent again, until the server answers. `failed`: the server refused it. */
  readonly status: 'pending' | 'sent' | 'failed';
  /** The refusal. */
  readonly error?: ChatError | undefined;
  /**
   * Resolves with the SeqId of the stored entry. Rejects if the server refuses it, or it is discarded, or the client is
   * closed; after `retry` it is another promise. A rejection is never unhandled.
   */
  readonly sent: Promise<bigint>;
  /** Sends it again after a refusal. */
  retry(): void;
  /** Gives it up, and no longer shows it. A pending one may be stored all the same if it is under way. */
  discard(): void;
}
