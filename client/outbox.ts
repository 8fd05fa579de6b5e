import type { SentAnswer } from '../http/protocol.js';
import { ChatError, closedError, unavailable } from './chat-error.js';
import type { Core } from './core.js';
import { Observed } from './observed.js';
import { type OutboxChange, OutgoingItem, refusalOf } from './outgoing-item.js';
import type { OpenChatStorage, Outgoing, StoredOutgoing } from './types.js';
import { pathOf } from './wire.js';

/** The chat that an outbox serves. */
export interface OutboxHost<M> extends Core {
  /** An item has changed; with `seqId`, the server has stored it. */
  changed(item: OutgoingItem<M>, seqId: bigint | undefined): void;
  /** Tells other tabs. */
  share(change: OutboxChange): void;
}

/** Items until the server has them: those of a conversation one after another, each until there is an answer. */
export class Outbox<M> {
  readonly observed = new Observed<readonly Outgoing<M>[]>(() => [...this.#items.values()]);
  storage: OpenChatStorage | undefined;
  readonly #host: OutboxHost<M>;
  readonly #sending = new Set<string>();
  #items = new Map<string, OutgoingItem<M>>();
  #order = 0;
  #isStarted = false;

  constructor(host: OutboxHost<M>) {
    this.#host = host;
  }

  /** Takes over what the storage has kept, and keeps there what is here. */
  async load(): Promise<void> {
    const { storage } = this;
    if (!storage) return;
    for (const { stored } of this.#items.values()) this.#keep({ item: stored });
    for (const item of await storage.all()) if (!this.#items.has(item.key)) this.apply({ item });
    this.#items = new Map([...this.#items].sort(([, a], [, b]) => a.stored.order - b.stored.order));
  }

  /** Sends from now on. */
  start(): void {
    this.#isStarted = true;
    for (const { conversation } of [...this.#items.values()]) void this.#send(conversation);
  }

  /** Adds an item, unless one with its key is there. */
  add(draft: Omit<StoredOutgoing, 'order' | 'at'>): Outgoing<M> {
    const at = Date.now();
    this.#order = Math.max(this.#order + 1, at);
    if (!this.#items.has(draft.key)) this.#change({ item: { ...draft, at, order: this.#order } });
    return this.#items.get(draft.key) as Outgoing<M>;
  }

  /** Items of a conversation, in their order. */
  of(conversation: string): OutgoingItem<M>[] {
    return [...this.#items.values()].filter((item) => item.conversation === conversation);
  }

  /** Applies a change that another tab has made, or this one. */
  readonly apply = (change: OutboxChange): void => {
    const { key, conversation } = change.item;
    const { seqId } = change;
    const isOver = seqId !== undefined || change.isGone;
    let item = this.#items.get(key);
    if (!item) {
      if (isOver) return;
      item = new OutgoingItem(change.item, this.#change);
      this.#items.set(key, item);
    } else if (item.error) item.begin();
    item.stored = change.item;
    const refusal = change.isGone ? new ChatError('TIMELINE_ABORTED', 'discarded') : refusalOf(change.item);
    if (isOver) this.#items.delete(key);
    if (refusal) item.refuse(refusal);
    if (seqId !== undefined) item.settle(seqId);
    this.observed.change();
    this.#host.changed(item, seqId);
    void this.#send(conversation);
  };

  close(): void {
    for (const item of this.#items.values()) if (!item.error) item.refuse(closedError());
  }

  readonly #change = (change: OutboxChange): void => {
    if (this.#host.closed.aborted) throw closedError();
    const isOver = change.seqId !== undefined || change.isGone;
    // The tab that leads may be done with an item at once, and removes what is kept by then. At the end, other tabs
    // come first: the storage may forget only what they know.
    if (!isOver) this.#keep(change);
    this.#host.share(change);
    if (isOver) this.#keep(change);
    this.apply(change);
  };

  #keep({ item, seqId, isGone }: OutboxChange): void {
    const { storage } = this;
    const isOver = seqId !== undefined || isGone;
    const kept = isOver ? storage?.remove(item.key) : storage?.put(item);
    kept?.catch((error) => this.#host.fail(unavailable(error)));
  }

  async #send(conversation: string): Promise<void> {
    if (!this.#isStarted || this.#sending.has(conversation)) return;
    this.#sending.add(conversation);
    const { closed, backoff } = this.#host;
    let attempt = 0;
    for (let item = this.#next(conversation); item; item = this.#next(conversation)) {
      item.isTried = true;
      const { stored } = item;
      try {
        const { seqId } = await this.#request(stored);
        attempt = 0;
        if (closed.aborted) return;
        if (item.status === 'pending') this.#change({ item: stored, seqId: BigInt(seqId) });
      } catch (failure) {
        const error = unavailable(failure);
        if (closed.aborted) return;
        const { code, status, message } = error;
        if (error.retryable) {
          this.#host.fail(error);
          await backoff.wait(attempt++, error.pauseMs);
        } else if (item.status === 'pending') this.#change({ item: { ...stored, refused: { code, status, message } } });
      }
    }
    this.#sending.delete(conversation);
  }

  #next(conversation: string): OutgoingItem<M> | undefined {
    for (const item of this.#items.values())
      if (item.status === 'pending' && item.conversation === conversation) return item;
    return undefined;
  }

  #request({ kind, conversation, target, body, key, mentions, countable }: StoredOutgoing): Promise<SentAnswer> {
    const path = pathOf(conversation, '/messages');
    const { requests } = this.#host;
    if (kind === 'send') return requests.json(path, 'POST', { body, key, mentions, countable, relatesTo: target });
    return kind === 'edit'
      ? requests.json(`${path}/${target}`, 'PATCH', { body, key })
      : requests.json(`${path}/${target}`, 'DELETE');
  }
}
