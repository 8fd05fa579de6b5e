import type { Random } from '../../../testing/random.js';

/**
 * Orders the steps that are under way at once: each waits for its turn, and the seed decides which one is next. On a
 * store that answers without I/O, a seed repeats the whole run.
 */
export class Turns {
  readonly #random: Random;
  readonly #waiting: (() => void)[] = [];
  #isTicking = false;

  constructor(random: Random) {
    this.#random = random;
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#tick();
    });
  }

  /** Waits for `count` turns of others. */
  async pass(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  #tick(): void {
    if (this.#isTicking) return;
    this.#isTicking = true;
    setImmediate(() => {
      this.#isTicking = false;
      this.#waiting.splice(this.#random.below(this.#waiting.length), 1)[0]?.();
      if (this.#waiting.length > 0) this.#tick();
    });
  }
}
