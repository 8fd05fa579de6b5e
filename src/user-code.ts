import { USER_CODE_MS } from './budget.js';
import { TimelineError } from './errors.js';

/** Returns true for a promise of any realm or library. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/**
 * Resolves with the answer of a user's callback. Rejects with `TIMELINE_UNAVAILABLE`, retryable, after `ms`
 * milliseconds, by default 30,000, and ignores a later answer.
 *
 * @param name The name of the callback, for the error.
 */
export function withinUserTime<T>(answer: PromiseLike<T>, name: string, ms: number = USER_CODE_MS): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const cause = Object.assign(new Error(`no answer within ${ms} ms`), { name: 'TimeoutError' });
      reject(
        new TimelineError('TIMELINE_UNAVAILABLE', `${name} gave no answer within ${ms} ms`, { cause, retryable: true }),
      );
    }, ms);
    Promise.resolve(answer)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}

/** Ignores the rejection of a promise that is not awaited. */
export function disregard(value: unknown): void {
  if (isThenable(value)) Promise.resolve(value).catch(() => undefined);
}
