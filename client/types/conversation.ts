import type { ShownMessage } from './messages.js';
import type { Observable } from './observable.js';

/** The messages of one conversation: those from the oldest loaded to the newest, without a gap, then unsent ones. */
export interface ChatConversation<M> extends Observable<readonly ShownMessage<M>[]> {
  /** Name of the conversation. */
  readonly id: string;
  /** The present messages, oldest first; as `getSnapshot()`. */
  readonly messages: readonly ShownMessage<M>[];
  /** The newest page has arrived. Until then, only unsent messages are shown. */
  readonly isLoaded: boolean;
  /** There are older messages for `loadOlder`. A change of it changes the snapshot. */
  readonly hasOlder: boolean;
  /** The user's read position, as far as it is known here; 0n for none. */
  readonly readSeqId: bigint;
  /**
   * Puts the page before the oldest message in front. Calls while one is under way get the same promise. Resolves with
   * the number of messages added; 0 if there are no older ones. Rejects with the error of the request.
   *
   * @example
   * list.onscroll = () => list.scrollTop < 200 && conversation.hasOlder && conversation.loadOlder();
   */
  loadOlder(): Promise<number>;
  /**
   * Says that the user has read up to the message, by default the newest one. It counts here at once; the server is
   * told the highest of several calls after a short pause, and again after a failure.
   */
  markRead(seqId?: bigint): void;
  /** Sends a signal to the members' devices. Resolves once it is handed over; rejects if there is no connection. */
  signal(body: unknown): Promise<void>;
}
