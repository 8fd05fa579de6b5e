import { throwIfAborted } from './abort.js';
import { isTimelineError, type TimelineError } from './errors.js';
import { backOff, pause } from './toolkit/pause.js';

/** Retries of safe calls within the budget of the call, with growing random pauses. */
export interface RetryOptions {
  /** Maximum number of attempts; 1 switches retries off. Default: no limit but the budget. */
  readonly attempts?: number | undefined;
  /** Longest first pause, in milliseconds; twice that if the store asks for less load. Default 50. */
  readonly minDelayMs?: number | undefined;
  /** Longest pause, in milliseconds. Default 1000. */
  readonly maxDelayMs?: number | undefined;
}

export interface RetryPolicy {
  readonly attempts: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = { attempts: Number.POSITIVE_INFINITY, minDelayMs: 50, maxDelayMs: 1000 };

export function retryPolicy({ attempts, minDelayMs, maxDelayMs }: RetryOptions = {}): RetryPolicy {
  return {
    attempts: attempts ?? DEFAULT_RETRY.attempts,
    minDelayMs: minDelayMs ?? DEFAULT_RETRY.minDelayMs,
    maxDelayMs: maxDelayMs ?? DEFAULT_RETRY.maxDelayMs,
  };
}

/** Attempts made at a store that refuses each at once, however short the budget. */
const SURE_ATTEMPTS = 4;

/**
 * Returns the milliseconds to wait after attempt number `attempt`; undefined if no further attempt fits before the
 * deadline (`performance.now()`). The bound doubles with each attempt up to `maxDelayMs`; the pause is a random half to
 * all of it.
 */
export function pauseAfter(
  attempt: number,
  error: TimelineError,
  deadline: number,
  { attempts, minDelayMs, maxDelayMs }: RetryPolicy = DEFAULT_RETRY,
): number | undefined {
  const left = deadline - performance.now();
  if (attempt >= attempts || left <= (attempt < SURE_ATTEMPTS ? 1 : minDelayMs)) return undefined;
  const first = error.code === 'TIMELINE_BUSY' ? 2 * minDelayMs : minDelayMs;
  const ms = backOff(attempt, { minMs: first, maxMs: maxDelayMs });
  return Math.min(ms, attempt < SURE_ATTEMPTS ? left / 4 : left * 0.75);
}

/**
 * Repeats `run` until it succeeds, `mayRepeat` refuses its error, or the deadline (`performance.now()`) is reached. All
 * retries of this library use it: an adapter repeats a part of a call with it, up to the call's deadline.
 *
 * @example
 * ```ts
 * const rows = await retryUntil(call.deadline, (error) => error.retryable, () => query(range));
 * ```
 */
export async function retryUntil<T>(
  deadline: number,
  mayRepeat: (error: TimelineError) => boolean,
  run: () => Promise<T>,
  options: { readonly policy?: RetryPolicy; readonly signal?: AbortSignal | undefined } = {},
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    let ms: number | undefined;
    try {
      return await run();
    } catch (error) {
      if (!isTimelineError(error) || !mayRepeat(error)) throw error;
      ms = pauseAfter(attempt, error, deadline, options.policy);
      if (ms === undefined) throw error;
    }
    await pause(ms, { signal: options.signal });
    throwIfAborted(options.signal);
  }
}
