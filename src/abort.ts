import { type Outcome, TimelineError } from './errors.js';

export function abortError(signal: AbortSignal, outcome: Outcome = 'not-applied'): TimelineError {
  return new TimelineError('TIMELINE_ABORTED', 'aborted by the caller', { cause: signal.reason, outcome });
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}

/** Stops waiting when the signal fires; what runs underneath goes on and is ignored. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined, outcome?: Outcome): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(abortError(signal, outcome));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
