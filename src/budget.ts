import { type Outcome, TimelineError } from './errors.js';

/** The longest delay of a timer, in milliseconds, about 24 days: Node fires a longer one at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Opening budget of an adapter that declares none. */
export const DEFAULT_BUDGET_MS = 30_000;

/** Milliseconds that a user's callback (schema, directory, policy …) may take. */
export const USER_CODE_MS = 30_000;

/**
 * Law Budget: resolves like `run`, or rejects with `late()` at the deadline (`performance.now()`) and ignores the later
 * result.
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

/** Returns the error of a call without answer: a write may have been applied; a read has no effect. */
export function noAnswer(adapter: string, budgetMs: number, outcome: Outcome): TimelineError {
  const message = `${adapter} gave no answer within ${budgetMs} ms`;
  const code = outcome === 'unknown' ? 'TIMELINE_OUTCOME_UNKNOWN' : 'TIMELINE_UNAVAILABLE';
  return new TimelineError(code, message, { outcome, retryable: outcome === 'not-applied' });
}
