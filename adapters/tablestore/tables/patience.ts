import type { Call } from '../../../src/adapter.js';
import { pause, pauseAfter } from '../../../src/retry.js';
import { causeOf, toTimelineError } from '../service/errors.js';

/** A new table may take a minute, and only so many are made a second. */
export const READY_WITHIN_MS = 90_000;

/**
 * Requests of opening, none of which does harm when it is done twice. Together they have one budget, which begins anew while the
 * service says that it is still making tables.
 */
export class Patience {
  readonly #budgetMs: number;
  readonly #readyBy: number;
  #deadline: number;

  constructor(budgetMs: number) {
    this.#budgetMs = budgetMs;
    this.#deadline = performance.now() + budgetMs;
    this.#readyBy = performance.now() + READY_WITHIN_MS;
  }

  async run<T>(run: (call: Call) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      let ms: number | undefined;
      try {
        return await run({ deadline: this.#deadline });
      } catch (error) {
        const { isPassing, message } = causeOf(error);
        if (/OTSTableNotReady|OTSQuotaExhausted/.test(message)) {
          this.#deadline = Math.min(this.#readyBy, performance.now() + this.#budgetMs);
        }
        if (isPassing) ms = pauseAfter(attempt, toTimelineError(error, 'read'), this.#deadline);
        if (ms === undefined) throw error;
      }
      await pause(ms);
    }
  }
}
