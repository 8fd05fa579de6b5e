/** Functions that are called with each value. */
export interface Listeners<T> {
  /** Adds one, until the returned function is called. The same function may be added twice. */
  add(listener: (value: T) => void): () => void;
  call(value: T): void;
}

export function createListeners<T>(): Listeners<T> {
  const listeners = new Set<(value: T) => void>();
  return {
    add: (listener) => {
      const call = (value: T) => {
        try {
          listener(value);
        } catch (error) {
          // Reported as unhandled: it stops nobody else.
          queueMicrotask(() => {
            throw error;
          });
        }
      };
      listeners.add(call);
      return () => listeners.delete(call);
    },
    call: (value) => {
      for (const call of [...listeners]) call(value);
    },
  };
}
