import { abortError } from './abort.js';

/**
 * An async iterator over batches that hands out one item at a time: while a batch lasts, `next` is a resolved promise
 * and no generator step. Concurrent `next` calls are answered in order; after `return`, an error or the end it stays
 * done. Once the signal has fired the next call fails, whatever is left of the batch.
 */
export class BatchIterator<T> implements AsyncIterableIterator<T> {
  readonly #fetch: () => Promise<readonly T[] | undefined>;
  readonly #end: (() => void) | undefined;
  readonly #signal: AbortSignal | undefined;
  #batch: readonly T[] = [];
  #index = 0;
  #done = false;
  /** Calls of `next` that had to wait, and the last of them. */
  #turns = 0;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * An iterator whose making may fail: like every other call of this library that waits, it then fails when it is
   * awaited, and not where it is made.
   */
  static from<T>(make: () => BatchIterator<T>): BatchIterator<T> {
    try {
      return make();
    } catch (error) {
      return new BatchIterator<T>(() => Promise.reject(error));
    }
  }

  /** `fetch` resolves with the next batch, possibly empty, or `undefined` at the end; `end` is called once. */
  constructor(
    fetch: () => Promise<readonly T[] | undefined>,
    options: { signal?: AbortSignal | undefined; end?: () => void } = {},
  ) {
    this.#fetch = fetch;
    this.#end = options.end;
    this.#signal = options.signal;
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#turns === 0 && this.#index < this.#batch.length && !this.#signal?.aborted) {
      return Promise.resolve({ value: this.#batch[this.#index++] as T, done: false });
    }
    const turn = this.#turns === 0 ? this.#advance() : this.#last.then(() => this.#advance());
    this.#turns++;
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Ends its turn before its caller hears of it, so that the caller's next call finds the batch free. */
  async #advance(): Promise<IteratorResult<T>> {
    try {
      return await this.#step();
    } finally {
      this.#turns--;
    }
  }

  async #step(): Promise<IteratorResult<T>> {
    if (this.#signal?.aborted && !this.#done) {
      this.#finish();
      throw abortError(this.#signal);
    }
    while (this.#index >= this.#batch.length) {
      if (this.#done) return { value: undefined, done: true };
      let batch: readonly T[] | undefined;
      try {
        batch = await this.#fetch();
      } catch (error) {
        this.#finish();
        throw error;
      }
      if (batch === undefined) this.#finish();
      else if (!this.#done) {
        this.#batch = batch;
        this.#index = 0;
      }
    }
    return { value: this.#batch[this.#index++] as T, done: false };
  }

  #finish(): void {
    if (this.#done) return;
    this.#done = true;
    this.#batch = [];
    this.#index = 0;
    this.#end?.();
  }

  return(): Promise<IteratorResult<T>> {
    this.#finish();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#finish();
  }
}
