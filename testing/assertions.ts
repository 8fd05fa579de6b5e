import assert from 'node:assert/strict';
import { isTimelineError, type TimelineError, type TimelineErrorCode } from '../src/errors.js';
import type { AppendResult, BatchOutcome, Page, Timeline, TimelineEntry } from '../src/types.js';

/** Asserts that the promise rejects with a {@link TimelineError} of one of these codes, and returns the error. */
export async function rejects(promise: Promise<unknown>, ...codes: TimelineErrorCode[]): Promise<TimelineError> {
  const error = await promise.then(
    (value) => assert.fail(`expected ${codes.join(' or ')}, but it resolved with ${show(value)}`),
    (reason: unknown) => reason,
  );
  return hasCode(error, ...codes);
}

export function hasCode(error: unknown, ...codes: TimelineErrorCode[]): TimelineError {
  if (error instanceof assert.AssertionError) throw error;
  assert.ok(isTimelineError(error), `expected ${codes.join(' or ')}, got ${String(error)}`);
  assert.ok(codes.includes(error.code), `expected ${codes.join(' or ')}, got ${error.code}: ${error.message}`);
  return error;
}

/** Waits for a condition, and fails after `deadlineMs`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 10_000,
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Resolves with the promise's value, and fails after `deadlineMs`. */
export async function within<T>(what: string, promise: Promise<T>, deadlineMs = 10_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new assert.AssertionError({ message: `not within ${deadlineMs} ms: ${what}` })),
      deadlineMs,
    );
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Takes up to `count` items of a stream; fails if the next one takes longer than `idleMs`. */
export async function take<T>(stream: AsyncIterable<T>, count = Number.POSITIVE_INFINITY, idleMs = 5000): Promise<T[]> {
  const iterator = stream[Symbol.asyncIterator]();
  const taken: T[] = [];
  try {
    while (taken.length < count) {
      const next = await within(`item ${taken.length + 1} of ${count} of a stream`, iterator.next(), idleMs);
      if (next.done) break;
      taken.push(next.value);
    }
    return taken;
  } finally {
    await iterator.return?.();
  }
}

/** Appends `prefix1 … prefixN` concurrently and resolves with the results. */
export function fill(timeline: Timeline<string>, count: number, prefix = 'm'): Promise<AppendResult[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => timeline.append(`${prefix}${index + 1}`)));
}

export const seqIds = (items: readonly { readonly seqId: bigint }[]): bigint[] => items.map((item) => item.seqId);

export const messages = <M>(items: readonly TimelineEntry<M>[]): M[] => items.map((item) => item.message);

/** Reads all entries of a Timeline page by page. */
export async function readAll<M>(timeline: Timeline<M>): Promise<TimelineEntry<M>[]> {
  const entries: TimelineEntry<M>[] = [];
  for (
    let page: Page<M> = await timeline.read({ limit: 1000 });
    ;
    page = await timeline.read({ after: page.next, limit: 1000 })
  ) {
    entries.push(...page.entries);
    if (page.upToDate) return entries;
  }
}

/** Returns a successful outcome, or throws its error. */
export function succeeded(outcome: BatchOutcome | undefined): {
  readonly seqId: bigint;
  readonly duplicate: boolean;
} {
  assert.ok(outcome, 'an outcome is missing');
  if (!outcome.ok) throw outcome.error;
  return outcome;
}

export function assertGrowing(ids: readonly bigint[], what = 'ids'): void {
  for (let index = 1; index < ids.length; index += 1) {
    assert.ok(ids[index]! > ids[index - 1]!, `${what} do not grow: ${ids[index - 1]} is followed by ${ids[index]}`);
  }
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)) ?? String(value);
}
