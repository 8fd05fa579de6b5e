import type { Membership } from '../types.js';
import type { ConversationTails, Latest, VisibleTail } from './conversation-tails.js';
import { compareListPositions, type ListPosition } from './list-position.js';

/** Conversations whose last messages are read in one round trip. */
const MAX_READ = 500;

/** A conversation that waits for its turn in the list. */
interface Waiting<M> extends ListPosition {
  readonly membership: Membership;
  /** The last message was looked up before this call: `sentAt` is its time unless it was deleted since. */
  readonly isLooked: boolean;
  /** Set once the last message has been read in this call. */
  readonly latest?: Latest<M>;
}

export type Listed<M> = Waiting<M> & { readonly latest: Latest<M> };

/**
 * Gives conversations in the order of the list. At first it knows only that no message is newer than some time. It
 * reads the last message of the conversation that could come next, and gives it out once no other could come before.
 */
export class ListQueue<M> {
  readonly #tails: ConversationTails<M>;
  readonly #after: ListPosition | undefined;
  readonly #heap: Waiting<M>[] = [];

  constructor(
    tails: ConversationTails<M>,
    candidates: readonly { readonly membership: Membership; readonly tail: VisibleTail; readonly pinned: boolean }[],
    after: ListPosition | undefined,
  ) {
    this.#tails = tails;
    this.#after = after;
    for (const { membership, tail, pinned } of candidates) {
      const { sentAt, isLooked } = tail;
      const { conversation } = membership;
      const waiting = { conversation, membership, pinned, sentAt, isLooked };
      // Times only fall when they are looked up: a conversation behind the position stays behind it.
      if (!isLooked || this.#isWanted(waiting)) this.#heap.push(waiting);
    }
    for (let i = Math.floor(this.#heap.length / 2) - 1; i >= 0; i--) this.#sink(i);
  }

  /** Takes the next conversations, at most `count`. */
  async take(count: number): Promise<Listed<M>[]> {
    const taken: Listed<M>[] = [];
    while (taken.length < count && this.#heap.length > 0) {
      const first = this.#heap[0] as Waiting<M>;
      if (!first.latest) await this.#lookUp(Math.min(MAX_READ, count - taken.length));
      else {
        this.#pop();
        if (this.#isWanted(first)) taken.push(first as Listed<M>);
      }
    }
    return taken;
  }

  async #lookUp(count: number): Promise<void> {
    const chosen: Waiting<M>[] = [];
    const known: Waiting<M>[] = [];
    while (chosen.length < count && this.#heap.length > 0) {
      const waiting = this.#pop();
      (waiting.latest ? known : chosen).push(waiting);
    }
    const latest = await this.#tails.latest(chosen.map(({ membership }) => membership));
    for (const waiting of known) this.#push(waiting);
    for (const [i, waiting] of chosen.entries()) {
      const found = latest[i] as Latest<M>;
      this.#push({ ...waiting, sentAt: found.last?.sentAt ?? 0, latest: found });
    }
  }

  #isWanted(position: ListPosition): boolean {
    return this.#after === undefined || compareListPositions(position, this.#after) > 0;
  }

  #push(waiting: Waiting<M>): void {
    const heap = this.#heap;
    let i = heap.push(waiting) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (compareListPositions(heap[parent] as Waiting<M>, waiting) <= 0) break;
      heap[i] = heap[parent] as Waiting<M>;
      i = parent;
    }
    heap[i] = waiting;
  }

  #pop(): Waiting<M> {
    const heap = this.#heap;
    const first = heap[0] as Waiting<M>;
    const last = heap.pop() as Waiting<M>;
    if (heap.length > 0) {
      heap[0] = last;
      this.#sink(0);
    }
    return first;
  }

  #sink(start: number): void {
    const heap = this.#heap;
    const sinking = heap[start] as Waiting<M>;
    let i = start;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      const [left, right] = [heap[child] as Waiting<M>, heap[child + 1]];
      if (right && compareListPositions(right, left) < 0) child++;
      if (compareListPositions(sinking, heap[child] as Waiting<M>) <= 0) break;
      heap[i] = heap[child] as Waiting<M>;
      i = child;
    }
    heap[i] = sinking;
  }
}
