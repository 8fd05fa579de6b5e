import type { Head, Page } from '../../src/index.js';
import { type ConversationPosition, isFollowed } from './conversation-position.js';

/** A conversation to read a part of a page from. */
export interface ChosenConversation {
  readonly conversation: string;
  readonly after: bigint;
}

export interface PageShares {
  readonly chosen: readonly ChosenConversation[];
  /** Followed conversations with something to read; all that are not chosen wait for the next page. */
  readonly unreadCount: number;
  /** Entries to read from each of the chosen. */
  readonly limitEach: number;
}

/**
 * Chooses the followed conversations from which a page of `limit` messages is read: of those whose heads lie beyond the
 * device's position, the ones read longest ago, in whose order `positions` is.
 */
export function sharesOf(
  positions: ReadonlyMap<string, ConversationPosition>,
  heads: ReadonlyMap<string, Head>,
  unlisted: ReadonlySet<string>,
  limit: number,
): PageShares {
  const unread = [...positions].flatMap(([conversation, position]) => {
    const after = position.deliveredThrough;
    const isUnread = isFollowed(position) && after < (heads.get(conversation)?.lastSeqId ?? 0n);
    return isUnread && !unlisted.has(conversation) ? [{ conversation, after }] : [];
  });
  const chosen = unread.slice(0, limit);
  const limitEach = Math.max(1, Math.floor(limit / Math.max(1, chosen.length)));
  return { chosen, unreadCount: unread.length, limitEach };
}

/**
 * Returns how many messages of a page the inbox may give. The conversations have the larger half of the page, if they
 * have that much. With room for one message, the two take turns.
 */
export function inboxShareOf(
  limit: number,
  pages: readonly Page<unknown>[],
  { isInboxLast }: { readonly isInboxLast: boolean },
): number {
  const entryCount = pages.reduce((sum, { entries }) => sum + entries.length, 0);
  const half = limit === 1 && !isInboxLast ? 1 : Math.floor(limit / 2);
  return Math.max(half, limit - entryCount);
}
