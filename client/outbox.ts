import type { SentAnswer } from '../http/protocol.js';
import { ChatError, closedError, unavailable } from './chat-error.js';
import type { Core } from './core.js';
import { type Observed, observe } from './observed.js';
import { createItem, type OutboxChange, type OutgoingItem } from './outgoing-item.js';
import { MOST_MESSAGES, nextRequest, sendRequest } from './outgoing-requests.js';
import type { OpenChatStorage, Outgoing, StoredOutgoing } from './types.js';

/** The chat that an outbox serves. */
export interface OutboxHost<M> extends Core {
  /** Absent: nothing is kept. */
  storage: OpenChatStorage | undefined;
  /** An item has changed; with `seqId`, the server has stored it. */
  changed(item: OutgoingItem<M>, seqId: bigint | undefined): void;
  /** Of all that has arrived in the conversation it is known if it was sent here. */
  answered(conversation: string): void;
  /** Tells other tabs. */
  share(change: OutboxChange): void;
}

/** Items until the server has them: those of a conversation in their order, each until there is an answer. */
export interface Outbox<M> extends Observed<readonly OutgoingItem<M>[]> {
  /** Takes over what the storage has kept, and keeps there what is here. */
  load(): Promise<void>;
  /** Sends from now on. */
  start(): void;
  /** Adds an item, unless one with its key is there. */
  add(draft: Omit<StoredOutgoing, 'order' | 'sentAt'>): Outgoing<M>;
  /** Items of a conversation, in their order. */
  of(conversation: string): OutgoingItem<M>[];
  /** The server may know items of the conversation without having answered. */
  isSending(conversation: string): boolean;
  /** Applies a change that another tab has made, or this one. */
  apply(change: OutboxChange): void;
  close(): void;
}

export function createOutbox<M>(host: OutboxHost<M>): Outbox<M> {
  const { ask, closed, fail, pause } = host;
  const sending = new Set<string>();
  const items = new Map<string, OutgoingItem<M>>();
  let lastOrder = 0;
  let isStarted = false;
  const observed = observe(() => [...items.values()].sort((a, b) => a.stored.order - b.stored.order));
  const of = (conversation: string) => observed.getSnapshot().filter((item) => item.conversation === conversation);

  const keep = ({ item, isOver }: OutboxChange) => {
    const { storage } = host;
    const kept = isOver ? storage?.remove(item.key) : storage?.put(item);
    kept?.catch((error) => fail(unavailable(error)));
  };

  const change = (made: OutboxChange) => {
    if (closed.aborted) throw closedError();
    // The tab that leads may be done with an item at once, and removes what is kept by then. At the end, other tabs
    // come first: the storage may forget only what they know.
    if (!made.isOver) keep(made);
    host.share(made);
    if (made.isOver) keep(made);
    apply(made);
  };

  const apply = (made: OutboxChange) => {
    const { key, conversation } = made.item;
    const item = items.get(key) ?? createItem<M>(made.item, change);
    if (!made.isOver) items.set(key, item);
    else if (!items.delete(key)) return;
    item.apply(made);
    observed.change();
    host.changed(item, made.seqId);
    void send(conversation);
  };

  /** The server has stored an item, or refuses it. */
  const settle = ({ stored: item, status }: OutgoingItem<M>, outcome: SentAnswer | ChatError) => {
    // It may have been discarded.
    if (status !== 'pending') return;
    if ('seqId' in outcome) change({ item, isOver: true, seqId: BigInt(outcome.seqId) });
    else {
      const { code, status, message } = outcome;
      change({ item: { ...item, refused: { code, status, message } } });
    }
  };

  /** Sends until nothing waits in the conversation. Items of one turn of the event loop go together. */
  const send = async (conversation: string) => {
    if (!isStarted || sending.has(conversation)) return;
    sending.add(conversation);
    await undefined;
    let attempt = 0;
    let most = MOST_MESSAGES;
    const next = () => nextRequest(of(conversation), most);
    for (let batch = next(); batch.length > 0; batch = next()) {
      let failure: ChatError | undefined;
      const outcomes = await sendRequest(ask, batch).catch((error) => [unavailable(error)]);
      if (closed.aborted) return;
      for (const [i, outcome] of outcomes.entries()) {
        const isRefused = outcome instanceof ChatError;
        if (isRefused && outcome.retryable) failure = outcome;
        // One message may be the reason, or a server that takes no such batch.
        else if (isRefused && outcomes.length < Math.min(batch.length, 2)) most = 1;
        else {
          attempt = 0;
          settle(batch[i] as OutgoingItem<M>, outcome);
        }
      }
      if (failure) {
        fail(failure);
        await pause(attempt++, failure);
      } else host.answered(conversation);
    }
    sending.delete(conversation);
    host.answered(conversation);
  };

  return {
    ...observed,
    ...{ of, apply },
    isSending: (conversation) => sending.has(conversation),
    load: async () => {
      const { storage } = host;
      if (!storage) return;
      for (const { stored } of items.values()) keep({ item: stored });
      for (const item of await storage.all()) if (!items.has(item.key)) apply({ item });
    },
    start: () => {
      isStarted = true;
      for (const { conversation } of items.values()) void send(conversation);
    },
    add: (draft) => {
      const sentAt = Date.now();
      lastOrder = Math.max(lastOrder + 1, sentAt);
      if (!items.has(draft.key)) change({ item: { ...draft, sentAt, order: lastOrder } });
      return items.get(draft.key) as Outgoing<M>;
    },
    close: () => {
      for (const item of items.values()) if (!item.error) item.fail(closedError());
    },
  };
}
