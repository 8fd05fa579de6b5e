import type { Core } from './core.js';
import type { Outbox } from './outbox.js';
import type { OutgoingItem } from './outgoing-item.js';
import type { entryOfItem, shownOf } from './shown-message.js';
import type {
  ChatConversation,
  ChatConversations,
  ChatEntry,
  ChatUnread,
  ListedConversation,
  ShownMessage,
} from './types.js';
import type { entryOf } from './wire.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The chat that views use. */
export interface ViewsHost<M> extends Core {
  outbox: Outbox<M>;
  /** Not imported by what is loaded on demand, as the chat uses it too. */
  readonly entryOf: typeof entryOf;
  /** The same. */
  readonly entryOfItem: typeof entryOfItem;
  /** The same. */
  readonly shownOf: typeof shownOf;
}

/** A conversation before its code is loaded, which then computes what is shown and replaces calls. */
export interface ConversationView<M> extends Mutable<Omit<ChatConversation<M>, 'messages'>> {
  /** Stored messages, with own changes of them. */
  compute(): readonly ShownMessage<M>[];
  readonly change: () => void;
}

/** The same for the list. */
export interface ListView<M> extends Mutable<ChatConversations<M>> {
  compute(): readonly ListedConversation<M>[];
  computeTotals(): ChatUnread;
  readonly change: () => void;
}

/** Everything that is shown: conversations, their list and totals. */
export interface Views<M> {
  /** Takes a conversation over. */
  open(view: ConversationView<M>): void;
  /** Takes the list over. */
  openList(view: ListView<M>): void;
  /** Reads everything anew. */
  load(): void;
  /** Folds an entry in that has arrived. */
  fold(entry: ChatEntry<M>): void;
  /** The server has stored an own item. */
  stored(item: OutgoingItem<M>, seqId: bigint): void;
  /** Sends what waits in the conversation. */
  send(conversation: string): void;
}
