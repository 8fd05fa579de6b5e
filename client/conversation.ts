import type { HistoryPage, ReadPositionsAnswer } from '../http/protocol.js';
import type { Core } from './core.js';
import { changed, createWindow, isReaction, type PagePlace, relatedTo, shownOf, UNSTORED } from './message-window.js';
import { observe } from './observed.js';
import type { Outbox } from './outbox.js';
import { entryOfItem, type OutgoingItem } from './outgoing-item.js';
import type { ChatConversation, ChatEntry, ShownMessage } from './types.js';
import { pathOf } from './wire.js';

const READ_PAUSE_MS = 300;

/** The part of the chat that a conversation uses. */
export interface ConversationHost<M> extends Core {
  readonly outbox: Outbox<M>;
  /** The user has read up to here. */
  markedRead(conversation: string, seqId: bigint): void;
}

/** The messages of one conversation. */
export interface Conversation<M> extends ChatConversation<M> {
  /** Reads the newest page, in place of everything. */
  load(): void;
  /** Folds an entry in that has arrived. */
  fold(entry: ChatEntry<M>): void;
  /** An own item has changed; with `seqId`, the server has stored it. */
  changed(item: OutgoingItem<M>, seqId: bigint | undefined): void;
  /** Own messages that have arrived and are not among the stored items were sent elsewhere. */
  answered(): void;
}

export function createConversation<M>(id: string, host: ConversationHost<M>): Conversation<M> {
  const { json, options, outbox, untilAnswered } = host;
  const pages = createWindow<M>(host);
  const observed = observe(() => shown());
  let isLoaded = false;
  let readSeqId = 0n;
  let before: string | undefined;
  let older: Promise<number> | undefined;
  let telling: unknown;
  let pagesUnderWay = 0;
  /** Entries that have arrived while pages are under way, which may have been read before them. */
  let recent: ChatEntry<M>[] = [];
  /** Own messages that may be items under way, whose answer tells. */
  let unsure: ChatEntry<M>[] = [];

  const read = (query: Readonly<Record<string, string>>): Promise<HistoryPage<M>> =>
    json(pathOf(id, `/messages?${new URLSearchParams({ limit: String(options.pageSize ?? 50), ...query })}`));

  /** Takes a page over, and then what has arrived since it was asked for. Returns the number of its messages. */
  const take = async (place: PagePlace, asked: Promise<HistoryPage<M> | undefined>): Promise<number> => {
    pagesUnderWay++;
    try {
      const page = await asked;
      if (!page) return 0;
      if (place !== 'each') {
        isLoaded = true;
        before = page.before;
      }
      pages.take(page, place);
      if (isLoaded) for (const entry of recent) apply(entry);
      observed.change();
      return page.messages.length;
    } finally {
      if (--pagesUnderWay === 0) recent = [];
    }
  };

  const load = () =>
    void take(
      'all',
      untilAnswered(() => read({})),
    ).then(readReaders);

  const arrived = (entry: ChatEntry<M>, isShown = isLoaded) => {
    // It was refused before: the user may be a member now.
    if (!isLoaded && pagesUnderWay === 0) load();
    if (pagesUnderWay > 0) recent.push(entry);
    if (isShown) apply(entry);
  };

  const apply = (entry: ChatEntry<M>) => {
    const again = pages.fold(entry);
    if (again !== undefined)
      void take(
        'each',
        untilAnswered(() => read({ after: String(again - 1n), limit: '1' })),
      );
    observed.change();
  };

  /** Reads how far others have read, if that is shown. */
  const readReaders = async () => {
    if (!pages.rows.some(({ isOwn }) => isOwn)) return;
    const answer = await untilAnswered(() => json<ReadPositionsAnswer>(pathOf(id, '/read')));
    for (const { user: sender, seqId } of answer?.positions ?? []) {
      const place = { seqId: BigInt(seqId), entrySeqId: BigInt(seqId) };
      if (sender !== host.user) apply({ kind: 'receipt', conversation: id, sender, sentAt: 0, ...place });
    }
  };

  /** Tells the server the highest read position. */
  const tellRead = async () => {
    const told = readSeqId;
    await untilAnswered(() => json(pathOf(id, '/read'), 'PUT', { seqId: String(told) }));
    telling = undefined;
    if (readSeqId > told) await tellRead();
  };

  /** Messages with what is not stored yet: changes in their places, messages at the end. */
  const shown = (): readonly ShownMessage<M>[] => {
    const rows = [...pages.rows];
    for (const item of outbox.of(id)) {
      const { status, key, error, target } = item;
      const entry = entryOfItem(item, host.user ?? '', UNSTORED);
      const state = { status, outgoing: item };
      if (entry.kind === 'message' && !isReaction(entry)) {
        const { seqId, ...row } = shownOf(entry, true, key);
        rows.push({ ...row, ...state });
        continue;
      }
      const at = rows.findLastIndex(({ seqId }) => seqId === target);
      const row = rows[at];
      if (!row) continue;
      if (entry.kind !== 'message') rows[at] = { ...(error ? row : changed(row, entry)), ...state };
      else if (!error) rows[at] = relatedTo(row, entry);
    }
    return rows;
  };

  if (host.isBegun) load();
  return {
    ...{ id, subscribe: observed.subscribe, getSnapshot: observed.getSnapshot },
    get messages() {
      return observed.getSnapshot();
    },
    get isLoaded() {
      return isLoaded;
    },
    get hasOlder() {
      return before !== undefined;
    },
    get readSeqId() {
      return readSeqId;
    },
    load,
    loadOlder: async () => {
      const from = before;
      if (!from) return 0;
      // Of no use if the list has begun anew.
      const page = async () => {
        const found = await read({ before: from });
        return from === before ? found : undefined;
      };
      older ??= take('front', page()).finally(() => {
        older = undefined;
      });
      return older;
    },
    markRead: (seqId = pages.rows.at(-1)?.seqId ?? 0n) => {
      if (seqId <= readSeqId) return;
      readSeqId = seqId;
      host.markedRead(id, seqId);
      observed.change();
      if (!telling) telling = setTimeout(tellRead, READ_PAUSE_MS);
    },
    signal: (body) => json(pathOf(id, '/signals'), 'POST', { body }),
    fold: (entry) => {
      const { kind, seqId, sender } = entry;
      if (kind === 'read') {
        if (seqId > readSeqId) readSeqId = seqId;
        observed.change();
      } else if (kind === 'message' && sender === host.user && outbox.isSending(id)) unsure.push(entry);
      else arrived(entry);
    },
    changed: (item, seqId) => {
      if (seqId !== undefined) {
        arrived(entryOfItem(item, host.user ?? '', seqId), true);
        if (item.kind === 'send') pages.update(seqId, (row) => ({ ...row, key: item.key, isOwn: true }));
      }
      observed.change();
    },
    answered: () => {
      const known = unsure;
      unsure = [];
      for (const entry of known) arrived(entry);
    },
  };
}
