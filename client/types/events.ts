import type { ChatError } from '../chat-error.js';
import type { ChatEntry, ChatSignal } from './entries.js';
import type { ChatState } from './options.js';
import type { Outgoing } from './outgoing.js';

/** Events by name. */
export interface ChatEvents<M> {
  /** The state has changed. */
  readonly state: ChatState;
  /** An entry has arrived: each once, those of a conversation in its order. Own messages too. */
  readonly message: ChatEntry<M>;
  /** A signal has arrived. */
  readonly signal: ChatSignal;
  /**
   * The server has built this device again, as entries that it did not get have expired. What is shown is replaced, and
   * `message` begins anew.
   */
  readonly resync: undefined;
  /** These conversations lost entries before this device got them, up to `through`. */
  readonly truncated: readonly { readonly conversation: string; readonly through: bigint }[];
  /** An outgoing message, edit or recall was added, stored, refused, tried again or discarded. */
  readonly outgoing: Outgoing<M>;
  /** The server or network refused something that no call waits for, such as the connection. It is tried again. */
  readonly error: ChatError;
}

/** An event with its name, as {@link ChatClient.events} yields it. */
export type ChatEvent<M> = {
  [K in keyof ChatEvents<M>]: {
    /** Name of the event. */
    readonly type: K;
    /** As in {@link ChatEvents}. */
    readonly value: ChatEvents<M>[K];
  };
}[keyof ChatEvents<M>];
