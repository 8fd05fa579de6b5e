import type { TimelineAdapter, Write, WriteOutcome } from '../src/adapter.js';
import { TimelineError } from '../src/errors.js';
import { decorateAdapter } from './decorate.js';

/** Failure of one append call. */
export type Fault =
  | {
      /** `reject-before`: the request does not reach the store. `reject-after`: it does, and its answer is lost. */
      readonly kind: 'reject-before' | 'reject-after';
      /** Error that the call rejects with. */
      readonly error: TimelineError;
    }
  | {
      /** Some writes fail without being executed. */
      readonly kind: 'fail-writes';
      /** Returns for each write its error, or `undefined` if it does not fail. */
      readonly errors: (writes: readonly Write[]) => readonly (TimelineError | undefined)[];
    };

/** Decides which append calls fail. */
export interface FaultPlan {
  /** Called once per append call of a library, counted from 1; `undefined` lets it pass. */
  append(call: number, writes: readonly Write[]): Fault | undefined;
}

/** Returns the error of a lost answer: the write may or may not have been applied. */
export const unknownOutcome = (): TimelineError =>
  new TimelineError('TIMELINE_OUTCOME_UNKNOWN', 'injected fault: the answer was lost', { outcome: 'unknown' });

/** Returns the error of a busy store: nothing was applied, and the same call may succeed later. */
export const busyStore = (): TimelineError =>
  new TimelineError('TIMELINE_BUSY', 'injected fault: the store is busy', { retryable: true });

/**
 * Wraps an adapter so that appends fail by plan, to test how a program handles failures of its store.
 *
 * @example
 * ```ts
 * const lostOnce: FaultPlan = {
 *   append: (call) => (call === 1 ? { kind: 'reject-after', error: unknownOutcome() } : undefined),
 * };
 * const store = await openTimelineStore({ adapter: faultyAdapter(adapter, lostOnce), name: 'store' });
 * ```
 */
export function faultyAdapter(adapter: TimelineAdapter, plan: FaultPlan): TimelineAdapter {
  return decorateAdapter(adapter, (library) => {
    let calls = 0;
    return {
      async append(writes, call) {
        calls += 1;
        const fault = plan.append(calls, writes);
        if (fault?.kind === 'fail-writes')
          return appendExcept(writes, fault.errors(writes), (kept) => library.append(kept, call));
        if (fault?.kind === 'reject-before') throw fault.error;
        const outcomes = await library.append(writes, call);
        if (fault) throw fault.error;
        return outcomes;
      },
    };
  });
}

async function appendExcept(
  writes: readonly Write[],
  errors: readonly (TimelineError | undefined)[],
  append: (kept: readonly Write[]) => Promise<readonly WriteOutcome[]>,
): Promise<readonly WriteOutcome[]> {
  const kept = writes.filter((_, index) => errors[index] === undefined);
  const outcomes = kept.length > 0 ? [...(await append(kept))] : [];
  return writes.map((_, index) => {
    const error = errors[index];
    return error ? { ok: false, error } : outcomes.shift()!;
  });
}
