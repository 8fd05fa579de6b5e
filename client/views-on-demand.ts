import { observe } from './observed.js';
import type { OutgoingItem } from './outgoing-item.js';
import type { ChatClient, ChatConversation, ChatUnread, ShownMessage } from './types.js';
import type { ConversationView, ListView, Views, ViewsHost } from './views.js';

const NONE: readonly never[] = [];
const NOTHING: ChatUnread = { messages: 0, mentions: 0, conversations: 0, capped: false };

/** Conversations, list and totals. Their code is loaded when any of them is asked for. */
export interface ViewsOnDemand<M> extends Pick<ChatClient<M>, 'conversation' | 'conversations' | 'unread'> {
  /** Absent until its code is loaded. */
  readonly loaded: Views<M> | undefined;
  /** Sends what waits in the conversation. */
  send(conversation: string): void;
  /** An own item has changed; with `seqId`, the server has stored it. */
  changed(item: OutgoingItem<M>, seqId: bigint | undefined): void;
}

export function createViewsOnDemand<M>(host: ViewsHost<M>): ViewsOnDemand<M> {
  const opened = new Map<string, ConversationView<M> & ChatConversation<M>>();
  let loaded: Views<M> | undefined;
  let loading: Promise<Views<M> | undefined> | undefined;
  let isListWanted = false;
  const { outbox, entryOfItem, shownOf } = host;

  const unsent = (item: OutgoingItem<M>): ShownMessage<M> => {
    const { status, key } = item;
    return { ...shownOf(entryOfItem(item, host.user), true, key), status, outgoing: item };
  };

  const load = () => {
    loading ??= host
      .untilAnswered(() => import('./loaded-views.js'))
      .then((code) => {
        loaded = code?.createViews(host);
        return loaded;
      });
    return loading;
  };

  const conversation = (id: string) => {
    const { subscribe, getSnapshot, change } = observe(() => [
      ...view.compute(),
      ...outbox.of(id).flatMap((item) => (item.isPart ? [] : unsent(item))),
    ]);
    const view = {
      ...{ id, subscribe, getSnapshot, change, isLoaded: false, hasOlder: false, readSeqId: 0n },
      compute: () => NONE,
      get messages() {
        return getSnapshot();
      },
      loadOlder: async () => ((await load()) ? view.loadOlder() : 0),
      markRead: async (seqId) => {
        if (await load()) view.markRead(seqId);
      },
      signal: (body) => host.ask('POST', id, '/signals', { body }),
    } as ConversationView<M> & ChatConversation<M>;
    void load().then((views) => views?.open(view));
    opened.set(id, view);
    return view;
  };

  const wantList = () => {
    if (isListWanted) return;
    isListWanted = true;
    void load().then((views) => views?.openList(list));
  };
  const items = observe(() => list.compute(), wantList);
  const totals = observe(() => list.computeTotals(), wantList);
  const list: ListView<M> = {
    ...{ subscribe: items.subscribe, getSnapshot: items.getSnapshot, isLoaded: false, hasMore: false },
    compute: () => NONE,
    computeTotals: () => NOTHING,
    change: () => {
      items.change();
      totals.change();
    },
    loadMore: async () => {
      wantList();
      return (await load()) ? list.loadMore() : 0;
    },
  };

  return {
    get loaded() {
      return loaded;
    },
    changed: (item, seqId) => {
      opened.get(item.conversation)?.change();
      if (seqId) loaded?.stored(item, seqId);
    },
    send: (conversation) => {
      void load().then((views) => views?.send(conversation));
    },
    ...{ conversations: list, unread: totals },
    conversation: (id) => opened.get(id) ?? conversation(id),
  };
}
