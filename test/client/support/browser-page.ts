/** The script of the pages in browser tests. */
import { type ChatClient, connectChat, indexedDbStorage } from '../../../client/index.js';

declare global {
  /** The chat of this tab. */
  var chat: ChatClient<string>;
  var states: string[];
  var bodies: string[];
  var open: (user: string, device: string) => void;
  var shown: () => string[];
  /** The number of items in the storage. */
  var kept: (name: string) => Promise<number>;
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

interface Request<T> {
  readonly result: T;
  onsuccess: () => void;
}
interface Database {
  transaction(store: string): { objectStore(name: string): { count(): Request<number> } };
  close(): void;
}
const answered = <T>(request: Request<T>) =>
  new Promise<T>((resolve) => {
    request.onsuccess = () => resolve(request.result);
  });
globalThis.kept = async (name) => {
  const { indexedDB } = globalThis as unknown as { indexedDB: { open(name: string): Request<Database> } };
  const database = await answered(indexedDB.open(name));
  const count = await answered(database.transaction('outgoing').objectStore('outgoing').count());
  database.close();
  return count;
};
