import { type Outcome, TimelineError } from './errors.js';

export function abortError(signal: AbortSignal, outcome: Outcome = 'not-applied'): TimelineError {
  return new TimelineError('TIMELINE_ABORTED', 'aborted by the caller', { cause: signal.reason, outcome });
}

/** Throws `TIMELINE_ABORTED`, not applied, if the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}

const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `stop` once when the signal fires; returns a function that cancels this. Adds a single listener per signal,
 * because one signal may end thousands of waits and Node warns of a leak from the eleventh listener on.
 */
export function onAbort(signal: AbortSignal, stop: () => void): () => void {
  let stops = listeners.get(signal);
  if (!stops) {
    const fresh = new Set<() => void>();
    signal.addEventListener(
      'abort',
      () => {
        for (const each of fresh) each();
      },
      { once: true },
    );
    listeners.set(signal, fresh);
    stops = fresh;
  }
  stops.add(stop);
  return () => stops.delete(stop);
}

/** Stops waiting when the signal fires; ignores the later result. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined, outcome?: Outcome): Promise<T> {
  if (!signal) return promise;
  if (signal.aborted) {
    promise.catch(() => undefined);
    return Promise.reject(abortError(signal, outcome));
  }
  return new Promise((resolve, reject) => {
    const forget = onAbort(signal, () => reject(abortError(signal, outcome)));
    promise.then(resolve, reject).finally(forget);
  });
}
