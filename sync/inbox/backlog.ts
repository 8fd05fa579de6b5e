import type { TimelineError } from '../../src/index.js';
import type { Synced } from '../types.js';

/** One entry on its way to inboxes. */
export interface InboxCopy<M> {
  /** SeqId of the entry in the conversation. */
  readonly seqId: bigint;
  readonly key: string;
  readonly message: Synced<M>;
}

/** The recipients of one entry so far. It grows while inboxes that were out of reach get their copies. */
export interface DeliveryReport {
  recipients: number;
  readonly refused: { readonly user: string; readonly error: TimelineError }[];
}

export interface QueuedCopy<M> {
  readonly copy: InboxCopy<M>;
  readonly report: DeliveryReport;
}

/** The copies that wait for inboxes out of reach, in order for each inbox. */
export class Backlog<M> {
  readonly #queues = new Map<string, QueuedCopy<M>[]>();
  #size = 0;

  /** Copies, over all inboxes. */
  get size(): number {
    return this.#size;
  }

  get isEmpty(): boolean {
    return this.#queues.size === 0;
  }

  /** `true` if the inbox lacks a copy: later ones have to queue behind it. */
  isBehind(user: string): boolean {
    return this.#queues.has(user);
  }

  /** SeqId of the first entry that some inbox lacks. */
  get firstMissing(): bigint | undefined {
    let first: bigint | undefined;
    for (const [queued] of this.#queues.values()) {
      if (queued && (first === undefined || queued.copy.seqId < first)) first = queued.copy.seqId;
    }
    return first;
  }

  add(user: string, queued: QueuedCopy<M>): void {
    const queue = this.#queues.get(user) ?? [];
    this.#queues.set(user, queue);
    if (queue.some(({ copy }) => copy.key === queued.copy.key)) return;
    queue.push(queued);
    this.#size++;
  }

  /** The next copy of each inbox. */
  heads(): (QueuedCopy<M> & { readonly user: string })[] {
    return [...this.#queues].map(([user, queue]) => ({ user, ...(queue[0] as QueuedCopy<M>) }));
  }

  removeHead(user: string): void {
    const queue = this.#queues.get(user) as QueuedCopy<M>[];
    queue.shift();
    this.#size--;
    if (queue.length === 0) this.#queues.delete(user);
  }
}
