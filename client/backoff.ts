import type { ChatOptions } from './types.js';

const FIRST_PAUSE_MS = 400;

/** Pauses before repetitions: random, so that clients spread, up to a bound that doubles with each attempt. */
export class Backoff {
  readonly #random: () => number;
  readonly #maxMs: number;
  readonly #waiting = new Set<() => void>();

  constructor({ random = Math.random, maxPauseMs = 15_000 }: ChatOptions) {
    this.#random = random;
    this.#maxMs = maxPauseMs;
  }

  /** Waits after an attempt, the first being 0. `leastMs` is what the server asks for. */
  wait(attempt: number, leastMs = 0): Promise<void> {
    const ms = leastMs + this.#random() * Math.min(this.#maxMs, FIRST_PAUSE_MS * 2 ** attempt);
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#waiting.add(wake);
    });
  }

  /** Ends all pauses: something has changed for the better, or the client is closed. */
  wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
