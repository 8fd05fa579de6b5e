import { useEffect, useSyncExternalStore } from 'react';
import type { ChatClient, ShownMessage } from 'timeline-model/client';

/** Messages of a conversation. Marks them as read while they are shown. */
export function useMessages<M>(chat: ChatClient<M>, id: string): readonly ShownMessage<M>[] {
  const conversation = chat.conversation(id);
  const messages = useSyncExternalStore(conversation.subscribe, conversation.getSnapshot, conversation.getSnapshot);
  useEffect(() => {
    if (messages.length > 0 && document.visibilityState === 'visible') conversation.markRead();
  }, [conversation, messages]);
  return messages;
}

/** Unread messages of all conversations. */
export function useUnread<M>({ unread }: ChatClient<M>): number {
  return useSyncExternalStore(unread.subscribe, unread.getSnapshot, unread.getSnapshot).messages;
}

/** The state of the connection. */
export function useChatState<M>(chat: ChatClient<M>): ChatClient<M>['state'] {
  const read = () => chat.state;
  return useSyncExternalStore((listener) => chat.on('state', listener), read, read);
}
