import type { Head } from '../../src/index.js';
import { type ConversationPosition, isFollowed } from './conversation-position.js';

interface UnreadConversation {
  readonly conversation: string;
  readonly after: bigint;
}

/** Lists the followed conversations whose heads lie beyond the device's position. */
export function unreadOf(
  positions: ReadonlyMap<string, ConversationPosition>,
  heads: ReadonlyMap<string, Head>,
): UnreadConversation[] {
  return [...positions].flatMap(([conversation, position]) => {
    const after = position.deliveredThrough;
    return isFollowed(position) && after < (heads.get(conversation)?.lastSeqId ?? 0n) ? [{ conversation, after }] : [];
  });
}
