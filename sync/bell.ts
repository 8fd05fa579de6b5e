import { onAbort } from '../src/abort.js';
import type { TimelineId, TimelineStore } from '../src/types.js';

/** Wakes a waiting device: by hints of both libraries, by abort, by closing. A ring between `clear` and `wait` is not lost. */
export class Bell {
  readonly #off: (() => void)[];
  #watched = '';
  #unwatch: () => void = () => undefined;
  #rung = false;
  #answer: (() => void) | undefined;

  constructor(signals: readonly (AbortSignal | undefined)[]) {
    this.#off = signals.flatMap((signal) => (signal ? [onAbort(signal, this.#ring)] : []));
  }

  readonly #ring = () => {
    this.#rung = true;
    this.#answer?.();
  };

  /** Watches these Timelines instead of those before. */
  watch(sources: readonly { readonly store: Pick<TimelineStore<never>, 'watch'>; readonly ids: readonly TimelineId[] }[]): void {
    const watched = JSON.stringify(sources.map(({ ids }) => ids));
    if (watched === this.#watched) return;
    this.#unwatch();
    const ends = sources.map(({ store, ids }) => store.watch(ids, this.#ring));
    this.#unwatch = () => {
      for (const end of ends) end();
    };
    this.#watched = watched;
    this.#rung = true;
  }

  clear(): void {
    this.#rung = false;
  }

  wait(ms: number): Promise<void> {
    if (this.#rung) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#answer?.(), ms);
      this.#answer = () => {
        clearTimeout(timer);
        this.#answer = undefined;
        resolve();
      };
    });
  }

  stop(): void {
    for (const off of this.#off.splice(0)) off();
    this.#unwatch();
    this.#answer?.();
  }
}
