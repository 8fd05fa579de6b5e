import type { Hint } from '../adapter.js';
import { ListenerHub } from './listener-hub.js';

export interface WatchHubHooks {
  /** The first watcher of a name has come. Begin to look for changes of it. */
  readonly onWatched?: (name: string) => void;
  /** The last watcher of a name has gone. */
  readonly onUnwatched?: (name: string) => void;
}

/**
 * The subscriptions behind `AdapterLibrary.watch`: wakes everyone who waits on a name, which is a Timeline, or a
 * library and a Timeline where one hub serves several libraries. How an adapter learns of changes is its own affair.
 *
 * @example
 * const hub = new WatchHub();
 * // watch: (timeline, wake) => hub.watch(timeline, wake)
 * // after an append: for (const { timeline } of writes) hub.wake(timeline);
 */
export class WatchHub {
  readonly #watchers: ListenerHub<[hint?: Hint]>;

  constructor({ onWatched, onUnwatched }: WatchHubHooks = {}) {
    this.#watchers = new ListenerHub({
      ...(onWatched && { onAdded: onWatched }),
      ...(onUnwatched && { onRemoved: onUnwatched }),
    });
  }

  /** How many names are watched. */
  get size(): number {
    return this.#watchers.size;
  }

  /** The names that are watched. */
  get names(): Iterable<string> {
    return this.#watchers.names;
  }

  /**
   * Calls `wake` from now on whenever the name is woken. One function may watch many names, and a name many times.
   * Returns the function that ends it, which may be called again.
   */
  watch(name: string, wake: (hint?: Hint) => void): () => void {
    return this.#watchers.add(name, wake);
  }

  /** True if anybody watches the name: only then is a hint worth making. */
  has(name: string): boolean {
    return this.#watchers.has(name);
  }

  /** Costs next to nothing when nobody watches. `hint`: the new entries, if they are at hand. */
  wake(name: string, hint?: Hint): void {
    this.#watchers.tell(name, hint);
  }

  /** For a store that was away, or tells of a change without saying where. */
  wakeAll(): void {
    for (const name of [...this.names]) this.wake(name);
  }
}
