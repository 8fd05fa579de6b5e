import type { HistoryPage, ReadPositionsAnswer } from '../http/protocol.js';
import { type Core, untilAnswered } from './core.js';
import { changed, isReaction, MessageWindow, relatedTo, shownOf, UNSTORED } from './message-window.js';
import { Observed } from './observed.js';
import type { Outbox } from './outbox.js';
import type { OutgoingItem } from './outgoing-item.js';
import type { ChatConversation, ChatEntry, ShownMessage } from './types.js';
import { pathOf } from './wire.js';

const READ_PAUSE_MS = 300;

/** The part of the chat that a conversation uses. */
export interface ConversationHost<M> extends Core {
  readonly box: Outbox<M>;
  /** The user has read up to here. */
  markedRead(conversation: string, seqId: bigint): void;
}

/** The messages of one conversation. */
export class Conversation<M> implements ChatConversation<M> {
  readonly id: string;
  isLoaded = false;
  readSeqId = 0n;
  readonly #host: ConversationHost<M>;
  readonly #window: MessageWindow<M>;
  readonly #observed = new Observed(() => this.#shown());
  readonly subscribe = this.#observed.subscribe;
  readonly getSnapshot = this.#observed.getSnapshot;
  /** For each page under way the entries that have arrived in the meantime: it may have been read before them. */
  readonly #missed = new Set<ChatEntry<M>[]>();
  #before: string | undefined;
  #older: Promise<number> | undefined;
  #telling: unknown;

  constructor(id: string, host: ConversationHost<M>) {
    this.id = id;
    this.#host = host;
    this.#window = new MessageWindow(() => host.user);
    if (host.isBegun) this.load();
  }

  get messages(): readonly ShownMessage<M>[] {
    return this.getSnapshot();
  }

  get hasOlder(): boolean {
    return this.#before !== undefined;
  }

  /** Reads the newest page, in place of everything. */
  load(): void {
    const page = untilAnswered(this.#host, () => this.#read({}));
    void this.#take('all', page).then(() => this.#readReaders());
  }

  loadOlder(): Promise<number> {
    const before = this.#before;
    if (!before) return Promise.resolve(0);
    // Of no use if the list has begun anew.
    const read = async () => {
      const page = await this.#read({ before });
      return before === this.#before ? page : undefined;
    };
    this.#older ??= this.#take('front', read()).finally(() => {
      this.#older = undefined;
    });
    return this.#older;
  }

  markRead(seqId = this.#window.rows.at(-1)?.seqId ?? 0n): void {
    if (seqId <= this.readSeqId) return;
    this.readSeqId = seqId;
    this.#host.markedRead(this.id, seqId);
    this.#observed.change();
    this.#telling ??= setTimeout(() => this.#tellRead(), READ_PAUSE_MS);
  }

  async signal(body: unknown): Promise<void> {
    await this.#host.requests.json(pathOf(this.id, '/signals'), 'POST', { body });
  }

  /** Folds an entry in that has arrived. */
  fold(entry: ChatEntry<M>): void {
    const { kind, seqId, sender } = entry;
    if (kind === 'read') {
      if (seqId > this.readSeqId) this.readSeqId = seqId;
      this.#observed.change();
      return;
    }
    const own = kind === 'message' && sender === this.#host.user && this.#items().find((item) => item.isUnderWay);
    if (own) {
      // It may be the one under way, whose answer tells.
      void this.#take('each', own.sent.then(nothing, nothing));
      this.#miss(entry);
    } else this.#arrived(entry);
  }

  /** An own item has changed; with `seqId`, the server has stored it. */
  changed(item: OutgoingItem<M>, seqId: bigint | undefined): void {
    if (seqId !== undefined) {
      this.#arrived(item.entry(this.#host.user ?? '', seqId), true);
      if (item.kind === 'send') this.#window.update(seqId, (row) => ({ ...row, key: item.key, isOwn: true }));
    }
    this.#observed.change();
  }

  #items(): OutgoingItem<M>[] {
    return this.#host.box.of(this.id);
  }

  #arrived(entry: ChatEntry<M>, isShown = this.isLoaded): void {
    // It was refused before: the user may be a member now.
    if (!this.isLoaded && this.#missed.size === 0) this.load();
    this.#miss(entry);
    if (isShown) this.#apply(entry);
  }

  /** Reads how far others have read, if that is shown. */
  async #readReaders(): Promise<void> {
    if (!this.#window.rows.some(({ isOwn }) => isOwn)) return;
    const path = pathOf(this.id, '/read');
    const request = () => this.#host.requests.json<ReadPositionsAnswer>(path);
    const answer = await untilAnswered(this.#host, request);
    for (const { user, seqId } of answer?.positions ?? []) {
      const [conversation, place, sentAt] = [this.id, BigInt(seqId), 0];
      if (user !== this.#host.user)
        this.#apply({ kind: 'receipt', conversation, sender: user, seqId: place, entrySeqId: place, sentAt });
    }
  }

  #miss(entry: ChatEntry<M>): void {
    for (const missed of this.#missed) missed.push(entry);
  }

  #apply(entry: ChatEntry<M>): void {
    const again = this.#window.fold(entry);
    if (again !== undefined) {
      const query = { after: String(again - 1n), limit: '1' };
      void this.#take(
        'each',
        untilAnswered(this.#host, () => this.#read(query)),
      );
    }
    this.#observed.change();
  }

  /** Takes a page over, and then what has arrived since it was asked for. Returns the number of its messages. */
  async #take(place: 'all' | 'front' | 'each', asked: Promise<HistoryPage<M> | undefined>): Promise<number> {
    const missed: ChatEntry<M>[] = [];
    this.#missed.add(missed);
    try {
      const page = await asked;
      if (page) {
        if (place !== 'each') {
          this.isLoaded = true;
          this.#before = page.before;
          this.#window.hasOlder = this.hasOlder;
        }
        this.#window.take(page.messages, place);
      }
      if (this.isLoaded) for (const entry of missed) this.#apply(entry);
      this.#observed.change();
      return page?.messages.length ?? 0;
    } finally {
      this.#missed.delete(missed);
    }
  }

  #read(query: Readonly<Record<string, string>>): Promise<HistoryPage<M>> {
    const { requests, options } = this.#host;
    const parameters = new URLSearchParams({ limit: String(options.pageSize ?? 50), ...query });
    return requests.json(pathOf(this.id, `/messages?${parameters}`));
  }

  /** Tells the server the highest read position. */
  async #tellRead(): Promise<void> {
    const told = this.readSeqId;
    const path = pathOf(this.id, '/read');
    await untilAnswered(this.#host, () => this.#host.requests.json(path, 'PUT', { seqId: String(told) }));
    this.#telling = undefined;
    if (this.readSeqId > told) await this.#tellRead();
  }

  /** Messages with what is not stored yet: changes in their places, messages at the end. */
  #shown(): readonly ShownMessage<M>[] {
    const shown = [...this.#window.rows];
    for (const item of this.#items()) {
      const { status, key, error, target } = item;
      const entry = item.entry(this.#host.user ?? '', UNSTORED);
      const state = { status, outgoing: item };
      if (entry.kind === 'message' && !isReaction(entry)) {
        const { seqId, ...row } = shownOf(entry, true, key);
        shown.push({ ...row, ...state });
        continue;
      }
      const at = shown.findLastIndex(({ seqId }) => seqId === target);
      const row = shown[at];
      if (!row) continue;
      const isChange = entry.kind !== 'message';
      const after = error ? row : isChange ? changed(row, entry) : relatedTo(row, entry);
      shown[at] = isChange ? { ...after, ...state } : after;
    }
    return shown;
  }
}

const nothing = (): undefined => undefined;
