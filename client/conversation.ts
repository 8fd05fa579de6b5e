import type { HistoryPage, ReadPositionsAnswer } from '../http/protocol.js';
import { createLaterEntries } from './later-entries.js';
import { bySeqId, changed, createWindow, type PagePlace, relatedTo } from './message-window.js';
import type { OutgoingItem } from './outgoing-item.js';
import type { Sender } from './sender.js';
import type { ChatEntry } from './types.js';
import type { ConversationView, ViewsHost } from './views.js';

const READ_PAUSE_MS = 300;

/** The messages of one conversation. */
export interface Conversation<M> {
  /** Reads the newest page, in place of everything. */
  load(): void;
  /** Folds an entry in that has arrived. */
  fold(entry: ChatEntry<M>): void;
  /** The server has stored an own item. */
  stored(item: OutgoingItem<M>, seqId: bigint): void;
  /** Own messages that have arrived and are not among the stored items were sent elsewhere. */
  answered(): void;
  /** The user has read up to here. */
  read(seqId: bigint): void;
}

/** Takes a view over. `onRead` is called when the user has read up to a message here. */
export function openConversation<M>(
  view: ConversationView<M>,
  host: ViewsHost<M>,
  { isSending }: Sender,
  onRead: (seqId: bigint) => void,
): Conversation<M> {
  const { ask, entryOfItem, options, outbox, untilAnswered } = host;
  const { id } = view;
  let before: string | undefined;
  let older: Promise<number | undefined> | undefined;
  let telling: unknown;
  /** Own messages that may be items under way, whose answer tells. */
  let unsure: ChatEntry<M>[] = [];

  const read = (query?: Readonly<Record<string, string>>): Promise<HistoryPage<M>> =>
    ask('GET', id, `/messages?${new URLSearchParams({ limit: String(options.pageSize ?? 50), ...query })}`);

  const pages = createWindow<M>(host, (seqId) =>
    take(
      untilAnswered(() => read({ after: String(seqId - 1n), limit: '1' })),
      'each',
    ),
  );
  const later = createLaterEntries(pages.fold, view.change);

  const take = (asked: Promise<HistoryPage<M> | undefined>, place: PagePlace) =>
    later.answered(asked, (page) => {
      pages.take(page, place);
      if (place !== 'each') {
        before = page.before;
        view.isLoaded = true;
        view.hasOlder = !!before;
      }
      return page.messages.length;
    });

  const load = async () => {
    await take(
      untilAnswered(() => read()),
      'all',
    );
    // Reads how far others have read, if that is shown.
    if (![...pages.rows.values()].some(({ isOwn }) => isOwn)) return;
    const answer = await untilAnswered(() => ask<ReadPositionsAnswer>('GET', id, '/read'));
    for (const { user: sender, seqId: through } of answer?.positions ?? []) {
      const seqId = BigInt(through);
      if (sender !== host.user)
        later.add({ kind: 'receipt', conversation: id, sender, seqId, entrySeqId: seqId, sentAt: 0 });
    }
  };

  const arrived = (entry: ChatEntry<M>) => {
    // It was refused before: the user may be a member now.
    if (!view.isLoaded && !later.isWaiting) void load();
    later.add(entry);
  };

  /** Tells the server the highest read position. */
  const tellRead = async () => {
    for (let told = 0n; told < view.readSeqId; ) {
      told = view.readSeqId;
      await untilAnswered(() => ask('PUT', id, '/read', { seqId: String(told) }));
    }
    telling = undefined;
  };

  const hasRead = (seqId: bigint) => {
    if (seqId > view.readSeqId) view.readSeqId = seqId;
    view.change();
  };

  Object.assign(view, {
    compute: () => {
      const rows = new Map(pages.rows);
      for (const item of outbox.of(id)) {
        const { kind, status, error, target = 0n } = item;
        const row = rows.get(target);
        if (!row || !item.isPart || (error && kind === 'send')) continue;
        const entry = entryOfItem(item, host.user);
        const state = { status, outgoing: item };
        rows.set(
          target,
          kind === 'send' ? relatedTo(row, entry) : { ...(error ? row : changed(row, entry)), ...state },
        );
      }
      return [...rows.values()].sort(bySeqId);
    },
    loadOlder: async () => {
      const from = before;
      if (from)
        older ??= take(
          // Of no use if the list has begun anew.
          read({ before: from }).then((page) => (from === before ? page : undefined)),
          'front',
        ).finally(() => {
          older = undefined;
        });
      return (await older) ?? 0;
    },
    markRead: (seqId = view.getSnapshot().findLast((row) => row.seqId)?.seqId ?? 0n) => {
      if (seqId <= view.readSeqId) return;
      hasRead(seqId);
      onRead(seqId);
      if (!telling) telling = setTimeout(tellRead, READ_PAUSE_MS);
    },
  } satisfies Partial<ConversationView<M>>);
  view.change();
  if (host.isBegun) void load();
  return {
    load,
    read: hasRead,
    fold: (entry) => {
      const { kind, sender } = entry;
      if (kind === 'message' && sender === host.user && isSending(id)) unsure.push(entry);
      else arrived(entry);
    },
    stored: (item, seqId) => {
      if (item.kind === 'send') pages.keep(seqId, item.key);
      arrived({ entrySeqId: seqId, ...entryOfItem(item, host.user, seqId) } as ChatEntry<M>);
    },
    answered: () => {
      const known = unsure;
      unsure = [];
      for (const entry of known) arrived(entry);
    },
  };
}
