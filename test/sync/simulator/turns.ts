import type { Random } from '../../../testing/random.js';

/**
 * Decides the order of what is under way at once: each step waits for its turn, and one of those waiting, drawn by the
 * seed, gets the next. Over a store that answers without I/O the whole run repeats.
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

  /** Lets so many others go first. */
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
