import type { ChatStorage } from './types.js';

/**
 * Keeps unsent messages in IndexedDB, in a database of this name: use another one for each user of a browser. Tabs with
 * the same name share one connection, if the browser has Web Locks: one tab leads, and another one takes over when it
 * ends. The code for it is loaded when it is opened.
 *
 * @example
 * const chat = connectChat('/chat', { device, token, storage: indexedDbStorage(`chat:${user}`) });
 */
export function indexedDbStorage(name = 'timeline-chat'): ChatStorage {
  return {
    open: async () => {
      const { openIndexedDb } = await import('./indexed-db.js');
      return openIndexedDb(name);
    },
  };
}
