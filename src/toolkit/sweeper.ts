import { MAX_TIMER_MS } from '../budget.js';

export interface SweeperOptions {
  /**
   * One short step of work: a transaction, a page, one round. Resolves with the milliseconds until the next step; wrap
   * them in `jitter` where many processes sweep one store. Steps never overlap.
   */
  readonly step: () => number | Promise<number>;
  /**
   * Milliseconds until the next step after one that failed. A failure ends nothing: the store may be locked or away.
   */
  readonly retryMs: number;
}

/**
 * Work in the background of an open library: removes what has expired, follows settings. Its timer keeps no process
 * alive.
 *
 * @example
 * const sweeper = new Sweeper({ step: async () => ((await removeSome()) ? 10 : sweepMs), retryMs: sweepMs });
 * sweeper.start(sweepMs);
 * // close: async () => { await sweeper.close(); … }
 */
export class Sweeper {
  readonly #options: SweeperOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isHurried = false;
  #isClosed = false;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Runs the first step in `delayMs` milliseconds; each step says when the next one runs. */
  start(delayMs: number): void {
    if (this.#isClosed || this.#running) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run(), Math.min(delayMs, MAX_TIMER_MS)).unref();
  }

  /** Runs the next step at once, or right behind the one that is running. */
  hurry(): void {
    if (this.#running) this.#isHurried = true;
    else this.start(0);
  }

  /** Begins no further step. Resolves when the one that is running has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #run(): void {
    this.#isHurried = false;
    this.#running = this.#step().then((delayMs) => {
      this.#running = undefined;
      this.start(this.#isHurried ? 0 : delayMs);
    });
  }

  async #step(): Promise<number> {
    try {
      return await this.#options.step();
    } catch {
      return this.#options.retryMs;
    }
  }
}
