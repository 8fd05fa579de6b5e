import type { ChatSettings } from './entries.js';
import type { LastMessage } from './messages.js';
import type { Observable } from './observable.js';

/** A conversation in the user's list. Immutable. */
export interface ListedConversation<M> {
  /** Name of the conversation. */
  readonly conversation: string;
  /** The newest message of those that are counted. */
  readonly last?: LastMessage<M> | undefined;
  /** SeqId of its last entry of any kind. */
  readonly lastSeqId: bigint;
  /** The user's read position; 0n for none. */
  readonly readSeqId: bigint;
  /** The number of unread messages of others. */
  readonly unread: number;
  /** Of these, the number of those that mention the user. */
  readonly mentions: number;
  /** `true`: `unread` is a lower bound. */
  readonly capped: boolean;
  /** The user's settings. */
  readonly settings: ChatSettings;
}

/** The user's conversations: pinned ones first, then the one with the newest message. */
export interface ChatConversations<M> extends Observable<readonly ListedConversation<M>[]> {
  /** The first page has arrived. It is asked for by the first `subscribe` or `getSnapshot`. */
  readonly isLoaded: boolean;
  /** There are more for `loadMore`. */
  readonly hasMore: boolean;
  /** Loads the next page. Resolves with the number of conversations added. */
  loadMore(): Promise<number>;
}

/** Unread messages in all conversations that are neither muted nor archived. Immutable. */
export interface ChatUnread {
  /** The number of unread messages of others. */
  readonly messages: number;
  /** Of these, the number of those that mention the user. */
  readonly mentions: number;
  /** The number of conversations with unread messages. */
  readonly conversations: number;
  /** `true`: the numbers are lower bounds. */
  readonly capped: boolean;
}
