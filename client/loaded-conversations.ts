import type { ConversationsPage, UnreadAnswer, WireSummary } from '../http/protocol.js';
import type { ChatError } from './chat-error.js';
import { untilAnswered } from './core.js';
import type { ListHost, ListState } from './list-state.js';
import type { ChatEntry, ChatUnread, LastMessage, ListedConversation } from './types.js';
import { listedOf, pathOf } from './wire.js';

const PAGE_SIZE = 100;
const TOTALS_PAUSE_MS = 1000;

/** Keeps the list of conversations: the server's, with later entries folded in, and the totals of it. */
export class LoadedConversations<M> implements ListState<M> {
  isLoaded = false;
  items: readonly ListedConversation<M>[] = [];
  totals: ChatUnread = { messages: 0, mentions: 0, conversations: 0, capped: false };
  readonly #host: ListHost;
  readonly #onChange: () => void;
  /** For each request under way the entries that have arrived in the meantime: it may be answered from before them. */
  readonly #missed = new Set<ChatEntry<M>[]>();
  readonly #listed = new Map<string, ListedConversation<M>>();
  /** Conversations to ask the server about. */
  readonly #unsure = new Set<string>();
  #isAsking = false;
  #next: string | undefined;
  #more: Promise<number> | undefined;
  #counting: unknown;

  constructor(host: ListHost, onChange: () => void) {
    this.#host = host;
    this.#onChange = onChange;
  }

  get hasMore(): boolean {
    return this.#next !== undefined;
  }

  /** Reads the first page, in place of everything. */
  load(): void {
    void this.#answer(
      untilAnswered(this.#host, () => this.#page()),
      (page) => {
        if (!page) return;
        this.#listed.clear();
        this.isLoaded = true;
        this.#take(page);
      },
    );
  }

  loadMore(): Promise<number> {
    if (!this.hasMore) return Promise.resolve(0);
    this.#more ??= this.#answer(this.#page(this.#next), (page) => this.#take(page)).finally(() => {
      this.#more = undefined;
    });
    return this.#more;
  }

  fold(entry: ChatEntry<M>): void {
    for (const missed of this.#missed) missed.push(entry);
    if (this.isLoaded) this.#fold(entry);
  }

  markedRead(conversation: string, seqId: bigint): void {
    const last = this.#listed.get(conversation)?.last;
    // The server counts, unless nothing is left.
    if (last && seqId >= last.seqId)
      this.fold({ kind: 'read', conversation, seqId, entrySeqId: seqId, sender: this.#user, sentAt: 0 });
  }

  get #user(): string {
    return this.#host.user ?? '';
  }

  #fold(entry: ChatEntry<M>): void {
    const { kind, conversation, users, settings } = entry;
    const before = this.#listed.get(conversation);
    const concernsUser = users?.includes(this.#user);
    let now = before;
    if (kind === 'leave' && concernsUser) this.#listed.delete(conversation);
    else if (!before) {
      if (kind === 'message' || concernsUser) this.#ask(conversation);
    } else {
      if (kind === 'settings') now = { ...before, settings: settings ?? before.settings };
      else if (kind === 'read') now = this.#read(before, entry);
      else if (kind !== 'receipt' && entry.entrySeqId > before.lastSeqId) now = this.#changed(before, entry);
      if (now) this.#listed.set(conversation, now);
    }
    this.#change();
  }

  #read(before: ListedConversation<M>, { seqId }: ChatEntry<M>): ListedConversation<M> {
    if (seqId <= before.readSeqId) return before;
    const isAll = seqId >= (before.last?.seqId ?? 0n);
    if (!isAll) this.#ask(before.conversation);
    return { ...before, readSeqId: seqId, ...(isAll && { unread: 0, mentions: 0, capped: false }) };
  }

  #changed(before: ListedConversation<M>, entry: ChatEntry<M>): ListedConversation<M> {
    const { kind, seqId, entrySeqId, sender, sentAt, body, countable, mentions, recalled } = entry;
    const now = { ...before, lastSeqId: entrySeqId };
    const { last } = before;
    const content = body === undefined ? {} : { body };
    const isUnread = sender !== this.#user && seqId > before.readSeqId;
    if (kind === 'message' && countable !== false) {
      const counts = isUnread && !recalled;
      return {
        ...now,
        last: { seqId, sender, sentAt, ...content, ...(recalled && { recalled }) },
        unread: now.unread + Number(counts),
        mentions: now.mentions + Number(counts && mentions?.includes(this.#user)),
      };
    }
    const isLast = last?.seqId === seqId;
    if (kind === 'edit' && isLast && !recalled) return { ...now, last: { ...last, ...content, edited: true } };
    if (kind === 'recall') {
      // It may not have been counted.
      if (isUnread) this.#ask(now.conversation);
      if (isLast) return { ...now, last: withoutBody(last) };
    }
    return now;
  }

  /** Asks the server about a conversation, one after another. */
  #ask(conversation: string): void {
    this.#unsure.add(conversation);
    if (!this.#isAsking) void this.#askAll();
  }

  async #askAll(): Promise<void> {
    this.#isAsking = true;
    for (const name of this.#unsure) {
      this.#unsure.delete(name);
      const request = () =>
        this.#host.requests.json<WireSummary<M>>(pathOf(name)).catch((error: ChatError) => {
          if (error.status === 403 || error.status === 404) return undefined;
          throw error;
        });
      await this.#answer(untilAnswered(this.#host, request), (summary) => {
        if (summary) this.#list(summary);
        else if (!this.#host.closed.aborted) this.#listed.delete(name);
      });
    }
    this.#isAsking = false;
  }

  #page(after?: string): Promise<ConversationsPage<M>> {
    const query = new URLSearchParams({ limit: String(PAGE_SIZE), ...(after && { after }) });
    return this.#host.requests.json(`/conversations?${query}`);
  }

  #take({ conversations, next }: ConversationsPage<M>): number {
    const before = this.#listed.size;
    for (const each of conversations) this.#list(each);
    this.#next = next;
    return this.#listed.size - before;
  }

  #list(summary: WireSummary<M>): void {
    const listed = listedOf(summary);
    this.#listed.set(listed.conversation, listed);
    this.#host.listed(listed.conversation, listed.readSeqId);
  }

  /** Takes an answer over, and then what has arrived since it was asked for. */
  async #answer<A, R>(asked: Promise<A>, take: (answer: A) => R): Promise<R> {
    const missed: ChatEntry<M>[] = [];
    this.#missed.add(missed);
    try {
      const result = take(await asked);
      if (this.isLoaded) for (const entry of missed) this.#fold(entry);
      this.#change();
      return result;
    } finally {
      this.#missed.delete(missed);
    }
  }

  #change(): void {
    const rank = ({ settings, last }: ListedConversation<M>) => (settings.pinned ? 1e15 : 0) + (last?.sentAt ?? 0);
    this.items = [...this.#listed.values()].sort((a, b) => rank(b) - rank(a));
    // What is not listed counts too.
    if (this.hasMore) this.#counting ??= setTimeout(() => this.#count(), TOTALS_PAUSE_MS);
    else this.#addUp();
    this.#onChange();
  }

  async #count(): Promise<void> {
    const totals = await untilAnswered(this.#host, () => this.#host.requests.json<UnreadAnswer>('/unread'));
    this.#counting = undefined;
    if (totals) this.totals = totals;
    this.#onChange();
  }

  #addUp(): void {
    let [messages, mentions, conversations, capped] = [0, 0, 0, false];
    for (const listed of this.#listed.values()) {
      if (listed.settings.muted || listed.settings.archived || listed.unread === 0) continue;
      messages += listed.unread;
      mentions += listed.mentions;
      conversations++;
      capped ||= listed.capped;
    }
    this.totals = { messages, mentions, conversations, capped };
  }
}

function withoutBody<M>({ body, ...rest }: LastMessage<M>): LastMessage<M> {
  return { ...rest, recalled: true };
}
