import { closedError, unavailable } from './chat-error.js';
import type { Core } from './core.js';
import { observe } from './observed.js';
import { createItem, type OutboxChange, type OutgoingItem } from './outgoing-item.js';
import type { Observable, OpenChatStorage, Outgoing, StoredOutgoing } from './types.js';

/** The chat that an outbox serves. */
export interface OutboxHost<M> extends Core {
  /** Absent: nothing is kept. */
  storage: OpenChatStorage | undefined;
  /** An item has changed; with `seqId`, the server has stored it. */
  changed(item: OutgoingItem<M>, seqId: bigint | undefined): void;
  /** Sends what waits in the conversation. Items of one turn of the event loop go together. */
  send(conversation: string): void;
  /** Tells other tabs. */
  share(change: OutboxChange): void;
}

/** Items until the server has them: those of a conversation in their order, each until there is an answer. */
export interface Outbox<M> extends Observable<readonly OutgoingItem<M>[]> {
  /** Takes over what the storage has kept, and keeps there what is here. */
  load(): Promise<void>;
  /** Sends from now on. */
  start(): void;
  /** Adds an item, unless one with its key is there. */
  add(draft: Omit<StoredOutgoing, 'sentAt'>): Outgoing<M>;
  /** Items of a conversation, in their order. */
  of(conversation: string): OutgoingItem<M>[];
  /** Changes an item, here and in other tabs. */
  change(change: OutboxChange): void;
  /** Applies a change that another tab has made, or this one. */
  apply(change: OutboxChange): void;
  close(): void;
}

export function createOutbox<M>(host: OutboxHost<M>): Outbox<M> {
  const { closed, fail } = host;
  const items = new Map<string, OutgoingItem<M>>();
  let lastAt = 0;
  let isStarted = false;
  const observed = observe(() => [...items.values()].sort((a, b) => a.stored.sentAt - b.stored.sentAt));
  const of = (conversation: string) => observed.getSnapshot().filter((item) => item.conversation === conversation);

  const keep = ({ item, isOver }: OutboxChange) => {
    const { storage } = host;
    const kept = isOver ? storage?.remove(item.key) : storage?.put(item);
    kept?.catch((error) => fail(unavailable(error)));
  };

  const change = (made: OutboxChange) => {
    if (closed.aborted) throw closedError();
    // In this order: the tab that leads may be done with an item at once, and removes what is kept by then.
    keep(made);
    host.share(made);
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
    if (isStarted) host.send(conversation);
  };

  return {
    ...{ subscribe: observed.subscribe, getSnapshot: observed.getSnapshot, of, apply, change },
    load: async () => {
      const { storage } = host;
      if (!storage) return;
      for (const { stored } of items.values()) keep({ item: stored });
      for (const item of await storage.all()) if (!items.has(item.key)) apply({ item });
    },
    start: () => {
      isStarted = true;
      for (const { conversation } of items.values()) host.send(conversation);
    },
    add: (draft) => {
      const { key } = draft;
      lastAt = Math.max(lastAt + 1, Date.now());
      if (!items.has(key)) change({ item: { ...draft, sentAt: lastAt } });
      return items.get(key) as Outgoing<M>;
    },
    close: () => {
      for (const item of items.values()) if (!item.error) item.fail(closedError());
    },
  };
}
