import { type Conversation, openConversation } from './conversation.js';
import { type ConversationList, openList } from './conversation-list.js';
import type { Views, ViewsHost } from './views.js';

/** The code of all that is shown. */
export function createViews<M>(host: ViewsHost<M>): Views<M> {
  const conversations = new Map<string, Conversation<M>>();
  let list: ConversationList<M> | undefined;
  return {
    open: (view) => {
      const { id } = view;
      conversations.set(
        id,
        openConversation(view, host, (seqId) => list?.markedRead(id, seqId)),
      );
    },
    openList: (view) => {
      list = openList(view, host, (id, seqId) => conversations.get(id)?.read(seqId));
    },
    load: () => {
      for (const conversation of conversations.values()) conversation.load();
      list?.load();
    },
    fold: (entry) => {
      const conversation = conversations.get(entry.conversation);
      if (entry.kind === 'read') conversation?.read(entry.seqId);
      else conversation?.fold(entry);
      list?.fold(entry);
    },
    stored: (item, seqId) => conversations.get(item.conversation)?.stored(item, seqId),
    answered: (id) => conversations.get(id)?.answered(),
  };
}
