import type { Observable } from './types.js';

/**
 * A value that is computed when it is asked for, once after each change. Listeners hear of all changes of one turn of
 * the event loop together.
 */
export class Observed<T> implements Observable<T> {
  readonly #compute: () => T;
  readonly #onWanted: (() => void) | undefined;
  readonly #listeners = new Set<() => void>();
  #value: T | undefined;
  #isCurrent = false;
  #isAnnounced = false;

  /** `onWanted` is called when anybody asks for it. */
  constructor(compute: () => T, onWanted?: () => void) {
    this.#compute = compute;
    this.#onWanted = onWanted;
  }

  readonly getSnapshot = (): T => {
    this.#onWanted?.();
    if (!this.#isCurrent) {
      this.#isCurrent = true;
      this.#value = this.#compute();
    }
    return this.#value as T;
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#onWanted?.();
    // The same function may subscribe twice, and each subscription ends by itself.
    const call = () => listener();
    this.#listeners.add(call);
    return () => this.#listeners.delete(call);
  };

  /** Says that the value is another one. */
  change(): void {
    this.#isCurrent = false;
    if (this.#isAnnounced || this.#listeners.size === 0) return;
    this.#isAnnounced = true;
    queueMicrotask(() => {
      this.#isAnnounced = false;
      for (const listener of [...this.#listeners]) calmly(listener);
    });
  }
}

/** Calls a listener of the caller's. What it throws is reported as unhandled, and stops nobody else. */
export function calmly(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
