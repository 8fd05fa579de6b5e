import { expect } from 'vitest';
import type { TimelineStore } from '../../../src/index.js';
import type { Stored, Synced } from '../../../sync/index.js';
import type { Libraries } from './crowd.js';

const AT_ONCE = 500;

/**
 * The inboxes of a crowd, for conversations that hold only messages. Each read continues at the last position and
 * checks that every message is there once, in the order of its conversation.
 */
export class Inboxes {
  readonly #users: readonly string[];
  readonly #conversations: readonly string[];
  /** Bodies by conversation, the first message first. */
  readonly history = new Map<string, string[]>();
  readonly #held: { after: bigint; readonly last: Map<string, bigint> }[];

  constructor(users: readonly string[], conversations: readonly string[]) {
    this.#users = users;
    this.#conversations = conversations;
    this.#held = users.map(() => ({ after: 0n, last: new Map() }));
  }

  async read({ store, sync }: Libraries): Promise<void> {
    for (const conversation of this.#conversations) await this.#readHistory(store, conversation);
    for (let i = 0; i < this.#users.length; i += AT_ONCE)
      await this.#readSome(sync, i, Math.min(i + AT_ONCE, this.#users.length));
  }

  /** The number of messages that every inbox holds. */
  heldByAll(conversation: string): number {
    return this.#held.reduce(
      (least, { last }) => Math.min(least, Number(last.get(conversation) ?? 0n)),
      Number.POSITIVE_INFINITY,
    );
  }

  /** The number of messages that some inbox holds. */
  heldByAny(conversation: string): number {
    return this.#held.reduce((most, { last }) => Math.max(most, Number(last.get(conversation) ?? 0n)), 0);
  }

  async #readHistory(store: TimelineStore<Stored<string>>, conversation: string): Promise<void> {
    const bodies = this.history.get(conversation) ?? [];
    this.history.set(conversation, bodies);
    for await (const { seqId, message } of store.timeline(conversation).scan({ after: BigInt(bodies.length) })) {
      expect(seqId).toBe(BigInt(bodies.length + 1));
      if (message.kind !== 'message') throw new Error(`a message was expected, not ${message.kind}`);
      bodies.push(message.body as string);
    }
  }

  async #readSome(sync: TimelineStore<Synced<string>>, first: number, end: number): Promise<void> {
    let open = Array.from({ length: end - first }, (_, i) => first + i);
    while (open.length > 0) {
      const ranges = open.map((i) => ({ timeline: this.#users[i]!, after: this.#held[i]!.after, limit: 1000 }));
      const pages = await sync.readBatch(ranges);
      open = open.filter((i, j) => {
        for (const { seqId, message } of pages[j]!.entries) this.#take(i, seqId, message);
        return !pages[j]!.upToDate;
      });
    }
  }

  #take(i: number, seqId: bigint, message: Synced<string>): void {
    const held = this.#held[i]!;
    held.after = seqId;
    if (message.kind !== 'message') throw new Error(`a message was expected, not ${message.kind}`);
    const { conversation } = message;
    const last = held.last.get(conversation) ?? 0n;
    if (BigInt(message.seqId) !== last + 1n || message.body !== this.history.get(conversation)?.[Number(last)])
      throw new Error(`${this.#users[i]} holds ${message.seqId} (${message.body}) of ${conversation} after ${last}`);
    held.last.set(conversation, last + 1n);
  }
}
