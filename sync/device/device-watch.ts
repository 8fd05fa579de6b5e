import type { TimelineId, TimelineStore } from '../../src/index.js';
import { onAbort } from '../../src/toolkit/index.js';

/** Timelines of one library. */
interface WatchedTimelines {
  readonly store: Pick<TimelineStore<never>, 'watch'>;
  readonly ids: readonly TimelineId[];
}

/** Waits for hints that the inbox or a followed conversation may have new entries. */
export class DeviceWatch {
  readonly #forgetSignals: readonly (() => void)[];
  #watched = '';
  #unwatch: () => void = () => undefined;
  #isWoken = false;
  #endWait: () => void = () => undefined;
  #hasStopped = false;

  /** The signals end a wait as a hint does. */
  constructor(signals: readonly (AbortSignal | undefined)[]) {
    this.#forgetSignals = signals.flatMap((signal) => (signal ? [onAbort(signal, this.#wake)] : []));
  }

  /** Follows these Timelines instead of the earlier ones. */
  follow(sources: readonly WatchedTimelines[]): void {
    const watched = JSON.stringify(sources.map(({ ids }) => ids));
    if (this.#hasStopped || watched === this.#watched) return;
    this.#unwatch();
    const ends = sources.map(({ store, ids }) => store.watch(ids, this.#wake));
    this.#unwatch = () => {
      for (const end of ends) end();
    };
    this.#watched = watched;
    // Entries that came before the watch began gave no hint.
    this.#wake();
  }

  /** Call this before a read: a hint that comes after it ends the next wait at once. */
  clear(): void {
    this.#isWoken = false;
  }

  /** Resolves at a hint, at the latest after `ms` milliseconds: hints between processes may be lost. */
  wait(ms: number): Promise<void> {
    if (this.#isWoken || this.#hasStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endWait = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** `true` if a hint came since {@link clear}. */
  get isWoken(): boolean {
    return this.#isWoken;
  }

  /** Ends a wait under way, without a hint. */
  interrupt(): void {
    this.#endWait();
  }

  /** Ends a wait under way, and all watches. */
  stop(): void {
    this.#hasStopped = true;
    this.#unwatch();
    for (const forget of this.#forgetSignals) forget();
    this.#endWait();
  }

  readonly #wake = (): void => {
    this.#isWoken = true;
    this.#endWait();
  };
}
