import { Fifo } from './fifo.js';

/** Milliseconds that one turn of the event loop should take, with what the readers do in it. */
const SLICE_MS = 3;
const MIN_READERS = 8;
const MAX_READERS = 1024;

/** A reader that waits for entries. */
export interface WaitingReader {
  /** Its index among those that wait; kept by whoever lets it wait. */
  seat: number;
  /** Something may have come. */
  wake(): void;
  /** The wait has failed. */
  fail(error: unknown): void;
}

/** Wakes readers in slices, and lets the event loop run between them, however many there are. */
export class HandOver {
  readonly #queue = new Fifo<readonly WaitingReader[]>();
  /** Readers of the first list that were woken already. */
  #woken = 0;
  #isScheduled = false;
  #count = 64;

  /** The first slice follows the microtasks that are queued already, such as further hints of the same turn. */
  add(readers: readonly WaitingReader[]): void {
    this.#queue.push(readers);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.#slice());
  }

  #slice(): void {
    const start = performance.now();
    for (let count = this.#count; count > 0 && this.#queue.length > 0; count--) this.#wakeNext();
    if (this.#queue.length === 0) {
      this.#isScheduled = false;
      return;
    }
    setImmediate(() => {
      const ms = performance.now() - start;
      if (ms > SLICE_MS) this.#count = Math.max(MIN_READERS, this.#count >> 1);
      else if (ms < SLICE_MS / 3) this.#count = Math.min(MAX_READERS, this.#count * 2);
      this.#slice();
    });
  }

  #wakeNext(): void {
    const readers = this.#queue.peek() as readonly WaitingReader[];
    readers[this.#woken++]?.wake();
    if (this.#woken < readers.length) return;
    this.#queue.shift();
    this.#woken = 0;
  }
}
