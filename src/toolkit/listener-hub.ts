export interface ListenerHubHooks {
  /** The first listener of a name has come. */
  readonly onAdded?: (name: string) => void;
  /** The last listener of a name has gone. */
  readonly onRemoved?: (name: string) => void;
}

/**
 * Listeners by name: behind `AdapterLibrary.listen` a name is a topic, or a library and a topic where one hub serves
 * several libraries.
 *
 * @example
 * const hub = new ListenerHub<[payload: string]>();
 * // listen: (topic, hear) => hub.add(topic, hear)
 * // publish: async (topic, payload) => hub.tell(topic, payload)
 */
export class ListenerHub<Arguments extends readonly unknown[]> {
  readonly #listeners = new Map<string, Set<(...args: Arguments) => void>>();
  readonly #hooks: ListenerHubHooks;

  constructor(hooks: ListenerHubHooks = {}) {
    this.#hooks = hooks;
  }

  /** How many names have listeners. */
  get size(): number {
    return this.#listeners.size;
  }

  /** The names that have listeners. */
  get names(): Iterable<string> {
    return this.#listeners.keys();
  }

  has(name: string): boolean {
    return this.#listeners.has(name);
  }

  /**
   * Calls `listener` from now on with all that the name is told. One function may listen to many names, and to a name
   * many times. Returns the function that ends it, which may be called again.
   */
  add(name: string, listener: (...args: Arguments) => void): () => void {
    const each = (...args: Arguments) => listener(...args);
    const known = this.#listeners.get(name);
    const listeners = known ?? new Set();
    listeners.add(each);
    if (!known) {
      this.#listeners.set(name, listeners);
      this.#hooks.onAdded?.(name);
    }
    return () => {
      if (!listeners.delete(each) || listeners.size > 0) return;
      this.#listeners.delete(name);
      this.#hooks.onRemoved?.(name);
    };
  }

  /** Costs next to nothing without listeners. */
  tell(name: string, ...args: Arguments): void {
    const listeners = this.#listeners.get(name);
    if (listeners) for (const listener of [...listeners]) listener(...args);
  }
}
