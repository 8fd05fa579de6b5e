import type { ListHost, ListState } from './list-state.js';
import { observe } from './observed.js';
import type { ChatConversations, ChatUnread, ListedConversation, Observable } from './types.js';

const NONE: readonly never[] = [];
const NOTHING: ChatUnread = { messages: 0, mentions: 0, conversations: 0, capped: false };

/** The user's conversations. The code for it is loaded when it is asked for. */
export interface ConversationList<M> {
  readonly conversations: ChatConversations<M>;
  readonly unread: Observable<ChatUnread>;
  /** Absent until its code is loaded. */
  readonly state: ListState<M> | undefined;
}

export function createList<M>(host: ListHost): ConversationList<M> {
  let state: ListState<M> | undefined;
  let loading: Promise<ListState<M>> | undefined;
  const load = () => {
    loading ??= import('./loaded-conversations.js').then(({ loadConversations }) => {
      state = loadConversations<M>(host, () => {
        items.change();
        unread.change();
      });
      if (host.isBegun) state.load();
      return state;
    });
    return loading;
  };
  const items = observe<readonly ListedConversation<M>[]>(() => state?.items ?? NONE, load);
  const unread = observe(() => state?.totals ?? NOTHING, load);
  return {
    unread,
    get state() {
      return state;
    },
    conversations: {
      ...{ subscribe: items.subscribe, getSnapshot: items.getSnapshot },
      get isLoaded() {
        return !!state?.isLoaded;
      },
      get hasMore() {
        return !!state?.hasMore;
      },
      loadMore: async () => (await load()).loadMore(),
    },
  };
}
