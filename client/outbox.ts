import type { SentAnswer } from '../http/protocol.js';
import { ChatError, closedError, unavailable } from './chat-error.js';
import type { Core } from './core.js';
import { type Observed, observe } from './observed.js';
import { createItem, type OutboxChange, type OutgoingItem } from './outgoing-item.js';
import { nextRequest, sendRequest } from './outgoing-requests.js';
import type { OpenChatStorage, Outgoing, StoredOutgoing } from './types.js';

/** The chat that an outbox serves. */
export interface OutboxHost<M> extends Core {
  /** Absent: nothing is kept. */
  readonly storage: OpenChatStorage | undefined;
  /** An item has changed; with `seqId`, the server has stored it. */
  changed(item: OutgoingItem<M>, seqId: bigint | undefined): void;
  /** Of all that has arrived in the conversation it is known if it was sent here. */
  answered(conversation: string): void;
  /** Tells other tabs. */
  share(change: OutboxChange): void;
}

/** Items until the server has them: those of a conversation in their order, each until there is an answer. */
export interface Outbox<M> {
  readonly observed: Observed<readonly Outgoing<M>[]>;
  /** Takes over what the storage has kept, and keeps there what is here. */
  load(): Promise<void>;
  /** Sends from now on. */
  start(): void;
  /** Adds an item, unless one with its key is there. */
  add(draft: Omit<StoredOutgoing, 'order' | 'at'>): Outgoing<M>;
  /** Items of a conversation, in their order. */
  of(conversation: string): OutgoingItem<M>[];
  /** The server may know items of the conversation without having answered. */
  isSending(conversation: string): boolean;
  /** Applies a change that another tab has made, or this one. */
  apply(change: OutboxChange): void;
  close(): void;
}

export function createOutbox<M>(host: OutboxHost<M>): Outbox<M> {
  const { closed, fail, json, pause } = host;
  const sending = new Set<string>();
  let items = new Map<string, OutgoingItem<M>>();
  let lastOrder = 0;
  let isStarted = false;
  const observed = observe<readonly Outgoing<M>[]>(() => [...items.values()]);
  const of = (conversation: string) => [...items.values()].filter((item) => item.conversation === conversation);

  const keep = ({ item, seqId, isGone }: OutboxChange) => {
    const { storage } = host;
    const isOver = seqId !== undefined || isGone;
    const kept = isOver ? storage?.remove(item.key) : storage?.put(item);
    kept?.catch((error) => fail(unavailable(error)));
  };

  const change = (made: OutboxChange) => {
    if (closed.aborted) throw closedError();
    const isOver = made.seqId !== undefined || made.isGone;
    // The tab that leads may be done with an item at once, and removes what is kept by then. At the end, other tabs
    // come first: the storage may forget only what they know.
    if (!isOver) keep(made);
    host.share(made);
    if (isOver) keep(made);
    apply(made);
  };

  const apply = (made: OutboxChange) => {
    const { key, conversation } = made.item;
    const isOver = made.seqId !== undefined || made.isGone;
    let item = items.get(key);
    if (!item) {
      if (isOver) return;
      item = createItem(made.item, change);
      items.set(key, item);
    }
    if (isOver) items.delete(key);
    item.apply(made);
    observed.change();
    host.changed(item, made.seqId);
    void send(conversation);
  };

  /** The server has stored an item, or refuses it. */
  const settle = ({ stored: item, status }: OutgoingItem<M>, outcome: SentAnswer | ChatError) => {
    // It may have been discarded.
    if (status !== 'pending') return;
    if (outcome instanceof ChatError) {
      const { code, status: refusal, message } = outcome;
      change({ item: { ...item, refused: { code, status: refusal, message } } });
    } else change({ item, seqId: BigInt(outcome.seqId) });
  };

  /** Sends until nothing waits in the conversation. Items of one turn of the event loop go together. */
  const send = async (conversation: string) => {
    if (!isStarted || sending.has(conversation)) return;
    sending.add(conversation);
    await undefined;
    let attempt = 0;
    let most: number | undefined;
    const next = () => nextRequest(of(conversation), most);
    for (let batch = next(); batch.length > 0; batch = next()) {
      let outcomes: readonly (SentAnswer | ChatError)[];
      let failure: ChatError | undefined;
      try {
        outcomes = await sendRequest(json, batch);
      } catch (thrown) {
        const error = unavailable(thrown);
        outcomes = [error];
        if (!error.retryable && batch.length > 1) {
          // One message may be the reason, or a server that takes no such batch.
          most = 1;
          continue;
        }
      }
      if (closed.aborted) return;
      for (const [i, outcome] of outcomes.entries()) {
        if (outcome instanceof ChatError && outcome.retryable) failure = outcome;
        else {
          attempt = 0;
          settle(batch[i] as OutgoingItem<M>, outcome);
        }
      }
      if (failure) {
        fail(failure);
        await pause(attempt++, failure.pauseMs);
      } else host.answered(conversation);
    }
    sending.delete(conversation);
    host.answered(conversation);
  };

  return {
    ...{ observed, of, apply },
    isSending: (conversation) => sending.has(conversation),
    load: async () => {
      const { storage } = host;
      if (!storage) return;
      for (const { stored } of items.values()) keep({ item: stored });
      for (const item of await storage.all()) if (!items.has(item.key)) apply({ item });
      items = new Map([...items].sort(([, a], [, b]) => a.stored.order - b.stored.order));
    },
    start: () => {
      isStarted = true;
      for (const { conversation } of items.values()) void send(conversation);
    },
    add: (draft) => {
      const at = Date.now();
      lastOrder = Math.max(lastOrder + 1, at);
      if (!items.has(draft.key)) change({ item: { ...draft, at, order: lastOrder } });
      return items.get(draft.key) as Outgoing<M>;
    },
    close: () => {
      for (const item of items.values()) if (!item.error) item.fail(closedError());
    },
  };
}
