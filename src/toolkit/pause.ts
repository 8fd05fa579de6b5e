import { onAbort } from '../abort.js';
import { MAX_TIMER_MS } from '../budget.js';

export interface PauseOptions {
  /** Ends the pause early; the promise resolves then too, so check the signal afterwards. */
  readonly signal?: AbortSignal | undefined;
  /** `false`: the process may exit during the pause. Default: `true`. */
  readonly keepsAlive?: boolean | undefined;
}

/** Resolves after `ms` milliseconds, at most about 24 days. Never rejects. */
export function pause(ms: number, { signal, keepsAlive = true }: PauseOptions = {}): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      forget?.();
      resolve();
    };
    const timer = setTimeout(end, Math.min(ms, MAX_TIMER_MS));
    if (!keepsAlive) timer.unref();
    const forget = signal && onAbort(signal, end);
  });
}

/**
 * A random duration, so that processes which were refused together do not come back together.
 *
 * @param ms The longest, in milliseconds.
 * @param spread The part of it that is random: 0.5, the default, gives half to all of `ms`; 1 gives nothing to all.
 *
 * @example
 * await pause(jitter(20, 1)); // 0 to 20 ms
 */
export function jitter(ms: number, spread = 0.5): number {
  return ms * (1 - spread * Math.random());
}

/**
 * Milliseconds to wait after a failed attempt: a bound that doubles with each attempt, of which a random half to all is
 * taken. `retryUntil` waits like this; use it alone where a lost race, and not a failure, is tried again.
 *
 * @param attempt Attempts that have failed so far, 1 or more.
 *
 * @example
 * for (let attempt = 1; !(await tryOnce()); attempt++) await pause(backOff(attempt, { minMs: 4, maxMs: 1000 }));
 */
export function backOff(attempt: number, bounds: { readonly minMs: number; readonly maxMs: number }): number {
  return jitter(Math.min(bounds.maxMs, bounds.minMs * 2 ** (attempt - 1)));
}
