import { abortError } from './abort.js';

/**
 * Iterates over the items of batches that are fetched one by one. While a batch lasts, `next` is a resolved promise,
 * and no step of a generator. Concurrent `next` calls are answered in order. After `return`, an error or the end it
 * stays done. Once the signal has fired, the next call rejects with `TIMELINE_ABORTED`, whatever is left of the batch.
 *
 * @example
 * const entries = new BatchIterator(() => readNextPage(), { signal, end: () => unwatch() });
 */
export class BatchIterator<T> implements AsyncIterableIterator<T> {
  readonly #fetch: () => Promise<readonly T[] | undefined>;
  readonly #end: (() => void) | undefined;
  readonly #signal: AbortSignal | undefined;
  #batch: readonly T[] = [];
  #index = 0;
  #done = false;
  /** Number of waiting `next` calls, and the last of them. */
  #turns = 0;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Returns an iterator that reports an error of `make` when it is awaited, like every other asynchronous call, not
   * when it is created.
   */
  static from<T>(make: () => BatchIterator<T>): BatchIterator<T>;
  static from<T>(make: () => AsyncIterableIterator<T>): AsyncIterableIterator<T>;
  static from<T>(make: () => AsyncIterableIterator<T>): AsyncIterableIterator<T> {
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

  /** Ends its turn before its promise resolves, so that the caller's next call takes the fast path. */
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
