import type { Core } from './core.js';
import type { ChatEntry, ChatUnread, ListedConversation } from './types.js';

/** The part of the chat that the list uses. */
export interface ListHost extends Core {
  /** Path of a conversation's routes. */
  pathOf(conversation: string): string;
  /** The list tells the user's read position of a conversation. */
  listed(conversation: string, readSeqId: bigint): void;
}

/** The list, once its code is loaded. */
export interface ListState<M> {
  readonly isLoaded: boolean;
  readonly hasMore: boolean;
  /** In the order of the list. */
  readonly items: readonly ListedConversation<M>[];
  readonly totals: ChatUnread;
  load(): void;
  loadMore(): Promise<number>;
  /** Folds an entry in that has arrived. */
  fold(entry: ChatEntry<M>): void;
  /** The user has read a conversation here, which counts at once. */
  markedRead(conversation: string, seqId: bigint): void;
}
