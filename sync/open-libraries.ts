import { openTimelineStore, type TimelineStore, type TimelineStoreOptions } from '../src/index.js';

/** Libraries that are closed together. */
export class OpenLibraries {
  readonly #closes: (() => Promise<void>)[] = [];

  async open<E>(options: TimelineStoreOptions<E>): Promise<TimelineStore<E>> {
    const library = await openTimelineStore<E>(options);
    this.#closes.unshift(() => library.close());
    return library;
  }

  /** Closes all, the last one first, even if one fails to close. Rejects with the first error. */
  async close(): Promise<void> {
    const errors: unknown[] = [];
    for (const close of this.#closes.splice(0)) await close().catch((error: unknown) => errors.push(error));
    if (errors.length > 0) throw errors[0];
  }
}
