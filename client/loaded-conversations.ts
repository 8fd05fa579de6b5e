import type { ConversationsPage, UnreadAnswer, WireSummary } from '../http/protocol.js';
import type { ChatError } from './chat-error.js';
import type { ListHost, ListState } from './list-state.js';
import type { ChatEntry, ChatUnread, LastMessage, ListedConversation } from './types.js';

const PAGE_SIZE = 100;
const TOTALS_PAUSE_MS = 1000;

/** Keeps the list of conversations: the server's, with later entries folded in, and the totals of it. */
export function loadConversations<M>(host: ListHost, onChange: () => void): ListState<M> {
  const { closed, json, pathOf, untilAnswered } = host;
  const listed = new Map<string, ListedConversation<M>>();
  /** Conversations to ask the server about. */
  const unsure = new Set<string>();
  /** Entries that have arrived while requests are under way, which may be answered from before them. */
  let recent: ChatEntry<M>[] = [];
  let requestsUnderWay = 0;
  let isLoaded = false;
  /** Of all conversations, if the list has more than those here. */
  let totals: ChatUnread | undefined;
  let isAsking = false;
  let next: string | undefined;
  let more: Promise<number> | undefined;
  let counting: unknown;

  const list = ({ last, lastSeqId, readSeqId, next: behind, ...rest }: WireSummary<M>) => {
    const conversation = {
      ...rest,
      ...(last && { last: { ...last, seqId: BigInt(last.seqId) } }),
      lastSeqId: BigInt(lastSeqId),
      readSeqId: BigInt(readSeqId),
    };
    listed.set(conversation.conversation, conversation);
    host.listed(conversation.conversation, conversation.readSeqId);
  };

  const change = () => {
    if (next && !counting) counting = setTimeout(count, TOTALS_PAUSE_MS);
    onChange();
  };

  const count = async () => {
    const answer = await untilAnswered(() => json<UnreadAnswer>('/unread'));
    counting = undefined;
    totals = answer ?? totals;
    onChange();
  };

  /** Takes an answer over, and then what has arrived since it was asked for. */
  const answered = async <A, R>(asked: Promise<A>, take: (answer: A) => R): Promise<R> => {
    requestsUnderWay++;
    try {
      const result = take(await asked);
      if (isLoaded) for (const entry of recent) foldIn(entry);
      change();
      return result;
    } finally {
      if (--requestsUnderWay === 0) recent = [];
    }
  };

  const read = (after?: string) =>
    json<ConversationsPage<M>>(
      `/conversations?${new URLSearchParams({ limit: String(PAGE_SIZE), ...(after && { after }) })}`,
    );

  const take = (page: ConversationsPage<M>): number => {
    const before = listed.size;
    for (const each of page.conversations) list(each);
    next = page.next;
    return listed.size - before;
  };

  /** Asks the server about a conversation, one after another. */
  const ask = async (conversation: string) => {
    unsure.add(conversation);
    if (isAsking) return;
    isAsking = true;
    for (const name of unsure) {
      unsure.delete(name);
      const request = () =>
        json<WireSummary<M>>(pathOf(name)).catch((error: ChatError) => {
          if (error.status === 403 || error.status === 404) return undefined;
          throw error;
        });
      await answered(untilAnswered(request), (summary) => {
        if (summary) list(summary);
        else if (!closed.aborted) listed.delete(name);
      });
    }
    isAsking = false;
  };

  const foldIn = (entry: ChatEntry<M>) => {
    const { kind, conversation, users, settings } = entry;
    const before = listed.get(conversation);
    const concernsUser = users?.includes(host.user ?? '');
    if (kind === 'leave' && concernsUser) listed.delete(conversation);
    else if (!before) {
      if (kind === 'message' || concernsUser) void ask(conversation);
    } else if (kind === 'settings') listed.set(conversation, { ...before, settings: settings ?? before.settings });
    else if (kind === 'read') listed.set(conversation, afterRead(before, entry.seqId));
    else if (kind !== 'receipt' && entry.entrySeqId > before.lastSeqId) listed.set(conversation, after(before, entry));
  };

  const afterRead = (before: ListedConversation<M>, seqId: bigint): ListedConversation<M> => {
    if (seqId <= before.readSeqId) return before;
    const isAll = seqId >= (before.last?.seqId ?? 0n);
    if (!isAll) void ask(before.conversation);
    return { ...before, readSeqId: seqId, ...(isAll && { unread: 0, mentions: 0, capped: false }) };
  };

  const after = (before: ListedConversation<M>, entry: ChatEntry<M>): ListedConversation<M> => {
    const { kind, seqId, entrySeqId, sender, sentAt, body, countable, mentions, recalled } = entry;
    const now = { ...before, lastSeqId: entrySeqId };
    const { last } = before;
    const content = body === undefined ? {} : { body };
    const isUnread = sender !== host.user && seqId > before.readSeqId;
    if (kind === 'message' && countable !== false) {
      const counts = isUnread && !recalled;
      return {
        ...now,
        last: { seqId, sender, sentAt, ...content, ...(recalled && { recalled }) },
        unread: now.unread + Number(counts),
        mentions: now.mentions + Number(counts && mentions?.includes(host.user ?? '')),
      };
    }
    const isLast = last?.seqId === seqId;
    if (kind === 'edit' && isLast && !recalled) return { ...now, last: { ...last, ...content, edited: true } };
    // It may not have been counted.
    if (kind === 'recall' && isUnread) void ask(now.conversation);
    return kind === 'recall' && isLast ? { ...now, last: withoutBody(last) } : now;
  };

  const fold = (entry: ChatEntry<M>) => {
    if (requestsUnderWay > 0) recent.push(entry);
    if (!isLoaded) return;
    foldIn(entry);
    change();
  };

  return {
    get isLoaded() {
      return isLoaded;
    },
    get hasMore() {
      return next !== undefined;
    },
    get items() {
      return [...listed.values()].sort((a, b) => rankOf(b) - rankOf(a));
    },
    get totals() {
      return (next && totals) || sumOf(listed.values());
    },
    fold,
    /** Reads the first page, in place of everything. */
    load: () => {
      void answered(
        untilAnswered(() => read()),
        (page) => {
          if (!page) return;
          listed.clear();
          isLoaded = true;
          take(page);
        },
      );
    },
    loadMore: async () => {
      if (!next) return 0;
      more ??= answered(read(next), take).finally(() => {
        more = undefined;
      });
      return more;
    },
    markedRead: (conversation, seqId) => {
      const last = listed.get(conversation)?.last;
      // The server counts, unless nothing is left.
      if (last && seqId >= last.seqId)
        fold({ kind: 'read', conversation, seqId, entrySeqId: seqId, sender: host.user ?? '', sentAt: 0 });
    },
  };
}

const rankOf = ({ settings, last }: ListedConversation<unknown>) => (settings.pinned ? 1e15 : 0) + (last?.sentAt ?? 0);

function sumOf(items: Iterable<ListedConversation<unknown>>): ChatUnread {
  let [messages, mentions, conversations, capped] = [0, 0, 0, false];
  for (const listed of items) {
    if (listed.settings.muted || listed.settings.archived || listed.unread === 0) continue;
    messages += listed.unread;
    mentions += listed.mentions;
    conversations++;
    capped ||= listed.capped;
  }
  return { messages, mentions, conversations, capped };
}

function withoutBody<M>({ body, ...rest }: LastMessage<M>): LastMessage<M> {
  return { ...rest, recalled: true };
}
