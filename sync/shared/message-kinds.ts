import type { Stored } from '../types.js';
import { isUndecodable } from './undecodable.js';

interface KindOfEntry {
  readonly deleted: boolean;
  readonly message: Stored<unknown>;
}

/** Counted as unread, and a conversation's `last`. */
export function isCounted({ deleted, message }: KindOfEntry): boolean {
  return !deleted && message.kind === 'message' && message.countable !== false;
}

/**
 * Listed in pages of messages. One that does not decode is, as devices get it too. A reaction, which is not counted and
 * relates to a message, is shown with that message instead.
 */
export function isListed({ deleted, message }: KindOfEntry): boolean {
  if (deleted) return false;
  if (message.kind !== 'message') return isUndecodable(message);
  return message.countable !== false || message.relatesTo === undefined;
}
