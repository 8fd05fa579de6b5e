import type { TimelineError } from '../../src/index.js';
import type { Synced } from '../types.js';
import type { CopiedMessage } from './copied-message.js';

/** One entry on its way to inboxes. */
export interface InboxCopy<M> {
  /** SeqId of the entry in the conversation. */
  readonly seqId: bigint;
  /** Key of the copy; tells apart the changes that wait for one inbox. */
  readonly key: string;
  readonly message: Synced<M>;
  /** For a body: the time by `performance.now()` at which its message was read, at the earliest. */
  readonly readAt?: number;
}

/** The removal of a body from the copies of one message, before the edit or recall that asks for it is copied. */
export interface BodyRemoval<M> {
  /** SeqId of the edit or recall in the conversation. */
  readonly seqId: bigint;
  /** Tells apart the changes that wait for one inbox. */
  readonly key: string;
  readonly copied: CopiedMessage<M>;
}

/** A change of inboxes that an entry of the conversation causes. */
export type InboxChange<M> = InboxCopy<M> | BodyRemoval<M>;

/** The recipients of one entry so far. It grows while inboxes that were out of reach get their copies. */
export interface DeliveryReport {
  recipients: number;
  readonly refused: { readonly user: string; readonly error: TimelineError }[];
}

export interface QueuedChange<M> {
  readonly change: InboxChange<M>;
  readonly report: DeliveryReport;
}

/** The changes that wait for inboxes out of reach, in order for each inbox. */
export class Backlog<M> {
  readonly #queues = new Map<string, QueuedChange<M>[]>();
  #size = 0;

  /** Changes, over all inboxes. */
  get size(): number {
    return this.#size;
  }

  get isEmpty(): boolean {
    return this.#queues.size === 0;
  }

  /** `true` if the inbox lacks a change: later ones have to queue behind it. */
  isBehind(user: string): boolean {
    return this.#queues.has(user);
  }

  /** SeqId of the first entry that some inbox lacks. */
  get firstMissing(): bigint | undefined {
    let first: bigint | undefined;
    for (const [queued] of this.#queues.values()) {
      if (queued && (first === undefined || queued.change.seqId < first)) first = queued.change.seqId;
    }
    return first;
  }

  add(user: string, queued: QueuedChange<M>): void {
    const queue = this.#queues.get(user) ?? [];
    this.#queues.set(user, queue);
    if (queue.some(({ change }) => change.key === queued.change.key)) return;
    queue.push(queued);
    this.#size++;
  }

  /** The next change of each inbox. */
  heads(): (QueuedChange<M> & { readonly user: string })[] {
    return [...this.#queues].map(([user, queue]) => ({ user, ...(queue[0] as QueuedChange<M>) }));
  }

  removeHead(user: string): void {
    const queue = this.#queues.get(user) as QueuedChange<M>[];
    queue.shift();
    this.#size--;
    if (queue.length === 0) this.#queues.delete(user);
  }
}
