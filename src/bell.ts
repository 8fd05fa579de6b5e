import { onAbort } from './abort.js';

/** Wakes a waiter on a hint or a signal. A ring between `clear` and `wait` is not lost. */
export class Bell {
  readonly #off: (() => void)[];
  #rung = false;
  #answer: (() => void) | undefined;

  constructor(signals: readonly (AbortSignal | undefined)[]) {
    this.#off = signals.flatMap((signal) => (signal ? [onAbort(signal, this.ring)] : []));
  }

  readonly ring = (): void => {
    this.#rung = true;
    this.#answer?.();
  };

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
    this.#answer?.();
  }
}
