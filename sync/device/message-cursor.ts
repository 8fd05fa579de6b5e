import type { Cursor } from '../../src/index.js';

/** Adds the cursor of a message. Not enumerable: JSON and copies of the message would hold it without being asked. */
export function withCursor<T extends object>(message: T, cursor: () => Cursor): T & { readonly cursor: Cursor } {
  return Object.defineProperty(message, 'cursor', { get: cursor }) as T & { readonly cursor: Cursor };
}
