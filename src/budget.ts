import { type Outcome, TimelineError } from './errors.js';

/** The longest delay that a timer of Node takes; beyond it fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Budget of an adapter that declares none for opening. */
export const DEFAULT_BUDGET_MS = 30_000;

/** How long a callback of the user (schema, directory, policy …) may take. */
export const USER_CODE_MS = 30_000;

/**
 * Law Budget: what `run` gives, or `late()` once the deadline (`performance.now()`) has passed. What runs underneath
 * goes on and is ignored.
 */
export async function boundedBy<T>(deadline: number, late: () => Error, run: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    const ms = Math.min(Math.max(0, deadline - performance.now()), MAX_TIMER_MS);
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([run(), limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** The store was asked and did not answer: a write may have been applied, a read is as if it had not been. */
export function noAnswer(adapter: string, budgetMs: number, outcome: Outcome): TimelineError {
  const message = `${adapter} gave no answer within ${budgetMs} ms`;
  const code = outcome === 'unknown' ? 'TIMELINE_OUTCOME_UNKNOWN' : 'TIMELINE_UNAVAILABLE';
  return new TimelineError(code, message, { outcome, retryable: outcome === 'not-applied' });
}
