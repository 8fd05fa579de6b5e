import { createListeners } from './listeners.js';
import type { Observable } from './types.js';

/** A value that is computed when it is asked for, once after each change. */
export interface Observed<T> extends Observable<T> {
  /** Says that the value is another one. Listeners hear of all changes of one turn of the event loop together. */
  readonly change: () => void;
}

/** `onWanted` is called when anybody asks for the value. */
export function observe<T>(compute: () => T, onWanted?: () => void): Observed<T> {
  const listeners = createListeners<void>();
  let value: T;
  let isCurrent = false;
  let isAnnounced = false;
  return {
    getSnapshot: () => {
      onWanted?.();
      if (!isCurrent) {
        isCurrent = true;
        value = compute();
      }
      return value;
    },
    subscribe: (listener) => {
      onWanted?.();
      return listeners.add(() => listener());
    },
    change: () => {
      isCurrent = false;
      if (isAnnounced) return;
      isAnnounced = true;
      queueMicrotask(() => {
        isAnnounced = false;
        listeners.call();
      });
    },
  };
}
