export { ChatError } from './chat-error.js';
export { connectChat } from './connect-chat.js';
export { indexedDbStorage } from './indexed-db-storage.js';
export type * from './types.js';
