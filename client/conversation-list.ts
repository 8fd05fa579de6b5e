import type { ListHost, ListState } from './list-state.js';
import { Observed } from './observed.js';
import type { ChatConversations, ChatUnread, ListedConversation } from './types.js';

const NONE: readonly never[] = [];
const NOTHING: ChatUnread = { messages: 0, mentions: 0, conversations: 0, capped: false };

/** The user's conversations. The code for it is loaded when it is asked for. */
export class ConversationList<M> implements ChatConversations<M> {
  /** Absent until its code is loaded. */
  state: ListState<M> | undefined;
  readonly unread: Observed<ChatUnread>;
  readonly subscribe: ChatConversations<M>['subscribe'];
  readonly getSnapshot: ChatConversations<M>['getSnapshot'];
  readonly #host: ListHost;
  #loading: Promise<ListState<M>> | undefined;
  readonly #onChange: () => void;

  constructor(host: ListHost) {
    this.#host = host;
    const want = () => void this.#load();
    const items = new Observed<readonly ListedConversation<M>[]>(() => this.state?.items ?? NONE, want);
    this.unread = new Observed(() => this.state?.totals ?? NOTHING, want);
    this.subscribe = items.subscribe;
    this.getSnapshot = items.getSnapshot;
    this.#onChange = () => {
      items.change();
      this.unread.change();
    };
  }

  get isLoaded(): boolean {
    return this.state?.isLoaded ?? false;
  }

  get hasMore(): boolean {
    return this.state?.hasMore ?? false;
  }

  async loadMore(): Promise<number> {
    return (await this.#load()).loadMore();
  }

  #load(): Promise<ListState<M>> {
    this.#loading ??= import('./loaded-conversations.js').then(({ LoadedConversations }) => {
      this.state = new LoadedConversations<M>(this.#host, this.#onChange);
      if (this.#host.isBegun) this.state.load();
      return this.state;
    });
    return this.#loading;
  }
}
