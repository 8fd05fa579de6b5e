import type { ConversationsPage, UnreadAnswer, WireSummary } from '../http/protocol.js';
import type { ChatError } from './chat-error.js';
import { createLaterEntries } from './later-entries.js';
import type { ChatEntry, ChatUnread, ListedConversation } from './types.js';
import type { ListView, ViewsHost } from './views.js';

const PAGE_SIZE = 100;
const TOTALS_PAUSE_MS = 1000;

/** The list of conversations: the server's, with later entries folded in, and the totals of it. */
export interface ConversationList<M> {
  /** Reads the first page, in place of everything. */
  load(): void;
  /** Folds an entry in that has arrived. */
  fold(entry: ChatEntry<M>): void;
  /** The user has read a conversation here, which counts at once. */
  markedRead(conversation: string, seqId: bigint): void;
}

/** Takes a view over. `onRead` gets the user's read position of each conversation. */
export function openList<M>(
  view: ListView<M>,
  host: ViewsHost<M>,
  onRead: (conversation: string, seqId: bigint) => void,
): ConversationList<M> {
  const { ask, request, untilAnswered } = host;
  const listed = new Map<string, ListedConversation<M>>();
  /** Conversations to ask the server about. */
  const unsure = new Set<string>();
  /** Of all conversations, if the list has more than those here. */
  let totals: ChatUnread | undefined;
  let isAsking = false;
  let next: string | undefined;
  let more: Promise<number | undefined> | undefined;
  let counting: unknown;

  const list = ({ last, lastSeqId, readSeqId, next: behind, ...rest }: WireSummary<M>) => {
    const { conversation } = rest;
    const read = BigInt(readSeqId);
    listed.set(conversation, {
      ...rest,
      last: last && { ...last, seqId: BigInt(last.seqId) },
      lastSeqId: BigInt(lastSeqId),
      readSeqId: read,
    });
    onRead(conversation, read);
  };

  const change = () => {
    if (next && !counting) counting = setTimeout(count, TOTALS_PAUSE_MS);
    view.change();
  };

  const count = async () => {
    totals = (await untilAnswered(() => request<UnreadAnswer>('GET', '/unread'))) ?? totals;
    counting = undefined;
    view.change();
  };

  const read = (after?: string) =>
    request<ConversationsPage<M>>(
      'GET',
      `/conversations?${new URLSearchParams({ limit: String(PAGE_SIZE), ...(after && { after }) })}`,
    );

  const take = (page: ConversationsPage<M>): number => {
    const before = listed.size;
    for (const each of page.conversations) list(each);
    next = page.next;
    view.isLoaded = true;
    view.hasMore = !!next;
    return listed.size - before;
  };

  /** Asks the server about a conversation, one after another. */
  const askAbout = async (conversation: string) => {
    unsure.add(conversation);
    if (isAsking) return;
    isAsking = true;
    for (const name of unsure) {
      unsure.delete(name);
      const asked = untilAnswered(() =>
        ask<WireSummary<M>>('GET', name, '').catch((error: ChatError) => {
          if (error.status === 403 || error.status === 404) return name;
          throw error;
        }),
      );
      await later.answered(asked, (summary) => {
        if (typeof summary === 'string') listed.delete(name);
        else list(summary);
      });
    }
    isAsking = false;
  };

  const fold = (entry: ChatEntry<M>) => {
    if (!view.isLoaded) return;
    const { kind, conversation, users, settings } = entry;
    const before = listed.get(conversation);
    const concernsUser = users?.includes(host.user ?? '');
    if (kind === 'leave' && concernsUser) listed.delete(conversation);
    else if (before) listed.set(conversation, { ...before, ...after(before, entry), ...(settings && { settings }) });
    else if (kind === 'message' || concernsUser) void askAbout(conversation);
  };
  const later = createLaterEntries(fold, change);

  /** Changes of a conversation that follow from an entry. */
  const after = (before: ListedConversation<M>, entry: ChatEntry<M>): Partial<ListedConversation<M>> => {
    const { kind, conversation, seqId, entrySeqId, sender, sentAt, body, countable, mentions, recalled } = entry;
    const { last, lastSeqId, readSeqId } = before;
    if (kind === 'read') {
      if (seqId <= readSeqId) return {};
      const isAll = seqId >= (last?.seqId ?? 0n);
      if (!isAll) void askAbout(conversation);
      return { readSeqId: seqId, ...(isAll && { unread: 0, mentions: 0, capped: false }) };
    }
    if (kind === 'settings' || kind === 'receipt' || entrySeqId <= lastSeqId) return {};
    const isUnread = sender !== host.user && seqId > readSeqId;
    if (kind === 'message' && countable !== false) {
      const counts = Number(isUnread && !recalled);
      return {
        lastSeqId: entrySeqId,
        last: { seqId, sender, sentAt, body, recalled },
        unread: before.unread + counts,
        mentions: before.mentions + (mentions?.includes(host.user ?? '') ? counts : 0),
      };
    }
    // It may not have been counted.
    if (kind === 'recall' && isUnread) void askAbout(conversation);
    if (last?.seqId !== seqId) return { lastSeqId: entrySeqId };
    if (kind === 'edit' && !recalled) return { lastSeqId: entrySeqId, last: { ...last, body, edited: true } };
    return { lastSeqId: entrySeqId, last: kind === 'recall' ? { ...last, body: undefined, recalled: true } : last };
  };

  Object.assign(view, {
    compute: () => [...listed.values()].sort((a, b) => rankOf(b) - rankOf(a)),
    computeTotals: () => (next && totals) || sumOf(listed.values()),
    loadMore: async () => {
      if (next)
        more ??= later.answered(read(next), take).finally(() => {
          more = undefined;
        });
      return (await more) ?? 0;
    },
  });
  const load = () =>
    void later.answered(
      untilAnswered(() => read()),
      (page) => {
        listed.clear();
        take(page);
      },
    );
  if (host.isBegun) load();
  return {
    load,
    fold: later.add,
    markedRead: (conversation, seqId) => {
      const last = listed.get(conversation)?.last;
      // The server counts, unless nothing is left.
      if (last && seqId >= last.seqId)
        later.add({ kind: 'read', conversation, seqId, entrySeqId: seqId, sender: host.user ?? '', sentAt: 0 });
    },
  };
}

const rankOf = ({ settings, last }: ListedConversation<unknown>) => (settings.pinned ? 1e15 : 0) + (last?.sentAt ?? 0);

function sumOf(items: Iterable<ListedConversation<unknown>>): ChatUnread {
  const sum = { messages: 0, mentions: 0, conversations: 0, capped: false };
  for (const { settings, unread, mentions, capped } of items) {
    if (settings.muted || settings.archived || unread === 0) continue;
    sum.messages += unread;
    sum.mentions += mentions;
    sum.conversations++;
    sum.capped ||= capped;
  }
  return sum;
}
