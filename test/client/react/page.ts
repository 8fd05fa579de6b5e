/** A page that shows a conversation by the hooks of `examples/react-hooks.ts`. */
import { createElement, Fragment } from 'react';
import { createRoot } from 'react-dom/client';
import { type ChatClient, connectChat } from '../../../client/index.js';
import { useChatState, useMessages, useUnread } from '../../../examples/react-hooks.js';

const chat = connectChat<string>('/chat', { token: 'ann', device: 'laptop' });

function Conversation({ chat, id }: { chat: ChatClient<string>; id: string }) {
  const messages = useMessages(chat, id);
  const line = `${useChatState(chat)}, ${useUnread(chat)} unread: ${messages.map(({ body }) => body).join(', ')}`;
  return createElement(
    Fragment,
    null,
    createElement('p', null, line),
    createElement('button', { type: 'button', onClick: () => chat.send(id, 'hello from React') }, 'Send'),
  );
}

const root = document.createElement('main');
document.body.append(root);
createRoot(root).render(createElement(Conversation, { chat, id: 'team' }));
