import { type Conversation, openConversation } from './conversation.js';
import { type ConversationList, openList } from './conversation-list.js';
import { createSender } from './sender.js';
import type { Views, ViewsHost } from './views.js';

/** The code of all that is shown. */
export function createViews<M>(host: ViewsHost<M>): Views<M> {
  const conversations = new Map<string, Conversation<M>>();
  const sender = createSender(host, (id) => conversations.get(id)?.answered());
  let list: ConversationList<M> | undefined;
  return {
    open: (view) => {
      const { id } = view;
      conversations.set(
        id,
        openConversation(view, host, sender, (seqId) => list?.markedRead(id, seqId)),
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
    send: sender.send,
  };
}
