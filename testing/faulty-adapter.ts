import type { TimelineAdapter, Write, WriteOutcome } from '../src/adapter.js';
import { TimelineError } from '../src/errors.js';
import { decorateAdapter } from './decorate.js';

/** What shall go wrong in one append call; `undefined` lets it pass. */
export type Fault =
  /** The request never reached the store. */
  | { readonly kind: 'reject-before'; readonly error: TimelineError }
  /** The store executed it, the answer got lost. */
  | { readonly kind: 'reject-after'; readonly error: TimelineError }
  /** Some writes fail on their own, unexecuted: an error for each of them, `undefined` for those that pass. */
  | {
      readonly kind: 'fail-writes';
      readonly errors: (writes: readonly Write[]) => readonly (TimelineError | undefined)[];
    };

export interface FaultPlan {
  /** Asked once for each append call of a library; calls are counted from 1. */
  append(call: number, writes: readonly Write[]): Fault | undefined;
}

/** The answer to a write was lost: nobody knows whether it was applied. */
export const unknownOutcome = (): TimelineError =>
  new TimelineError('TIMELINE_OUTCOME_UNKNOWN', 'injected fault: the answer was lost', { outcome: 'unknown' });

/** The store refused for a while: nothing was applied, and the same call may succeed later. */
export const busyStore = (): TimelineError =>
  new TimelineError('TIMELINE_BUSY', 'injected fault: the store is busy', { retryable: true });

/** Wraps an adapter so that appends fail by plan: for tests of what a program does when its store does. */
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
