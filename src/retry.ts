import { throwIfAborted } from './abort.js';
import { isTimelineError, type TimelineError } from './errors.js';

/** Attempts at what is safe to repeat, with full jitter between them: a random pause up to a bound that doubles. */
export interface RetryOptions {
  /** Attempts in all. Default 5; 1 switches retries off. */
  readonly attempts?: number | undefined;
  /** First bound of the pause, in milliseconds. Default 20. */
  readonly minDelayMs?: number | undefined;
  /** Last bound of the pause, in milliseconds. Default 1000. */
  readonly maxDelayMs?: number | undefined;
}

export interface RetryPolicy {
  readonly attempts: number;
  pause(attempt: number): Promise<void>;
}

export function retryPolicy(options: RetryOptions = {}): RetryPolicy {
  const { attempts = 5, minDelayMs = 20, maxDelayMs = 1000 } = options;
  return {
    attempts,
    pause: (attempt) =>
      new Promise((resolve) => {
        setTimeout(resolve, Math.random() * Math.min(maxDelayMs, minDelayMs * 2 ** (attempt - 1)));
      }),
  };
}

/** Repeats `run` while `mayRepeat` says that doing so can help and cannot harm. */
export async function retrying<T>(
  policy: RetryPolicy,
  mayRepeat: (error: TimelineError) => boolean,
  run: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (attempt >= policy.attempts || !isTimelineError(error) || !mayRepeat(error)) throw error;
    }
    await policy.pause(attempt);
    throwIfAborted(signal);
  }
}
