/** The script of the pages in browser tests. */
import { type ChatClient, connectChat, indexedDbStorage } from '../../../client/index.js';

declare global {
  /** The chat of this tab. */
  var chat: ChatClient<string>;
  var states: string[];
  var bodies: string[];
  var open: (user: string, device: string) => void;
  var shown: () => string[];
}

globalThis.states = [];
globalThis.bodies = [];
globalThis.open = (user, device) => {
  globalThis.chat = connectChat<string>('/chat', {
    ...{ token: user, device, maxPauseMs: 300 },
    storage: indexedDbStorage(`chat:${user}`),
  });
  chat.on('state', (state) => states.push(state));
  chat.on('message', ({ kind, body }) => kind === 'message' && bodies.push(String(body)));
  chat.conversation('team');
};
globalThis.shown = () =>
  chat
    .conversation('team')
    .messages.map(({ body, status }) => (status === 'sent' ? String(body) : `${body} ${status}`));
