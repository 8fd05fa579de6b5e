import { throwIfAborted } from './abort.js';
import { isTimelineError, type TimelineError } from './errors.js';
import { backOff, pause } from './toolkit/pause.js';

/** Moved: import it from `./toolkit/index.js`. */
export { pause };

/** Attempts at what is safe to repeat, within the budget of the call, with random pauses between them that grow. */
export interface RetryOptions {
  /** Attempts in all, at most. Default: as many as the budget allows; 1 switches retries off. */
  readonly attempts?: number | undefined;
  /** First pause at most, in milliseconds. Default 50; twice that where the store asks for less load. */
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

/** Attempts that a store which refuses each at once gets in any case, however short the budget. */
const SURE_ATTEMPTS = 4;

/**
 * Milliseconds to wait after so many attempts; undefined when no further attempt fits before the deadline
 * (`performance.now()`). The bound of the pause doubles, up to the longest; the pause is a random half to all of it.
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
 * Repeats `run` until the deadline (`performance.now()`) while `mayRepeat` says that doing so can help and cannot harm.
 * The only retry of this library: an adapter that repeats a part of a call does so with this, up to the call's deadline.
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
