import assert from 'node:assert/strict';
import type { Cursor, Page, ReadRange, Timeline, TimelineEntry } from '../src/types.js';
import { seqIds } from './assertions.js';

/** Bounds of a range. */
export type BoundKind = 'none' | 'after' | 'before' | 'both';
/** Type of the bounds. */
export type BoundForm = 'SeqIds' | 'cursors';

/** A bound as passed to `read`, and its SeqId. */
interface Bound {
  readonly given: Cursor | bigint;
  readonly seqId: bigint;
}

/** A range of the matrix for `read` and `scan`, and the ids that they must return. */
export interface RangeCase {
  readonly range: ReadRange;
  readonly expected: readonly bigint[];
  /** Identifies the combination if an assertion fails. */
  readonly label: string;
}

/** Every combination of bounds on, between and beyond the entries, computed on a plain array. */
export function rangeCases(
  entries: readonly TimelineEntry<string>[],
  kind: BoundKind,
  form: BoundForm,
  reverse: boolean,
): RangeCase[] {
  const ids = seqIds(entries);
  const afters = kind === 'after' || kind === 'both' ? bounds(entries, form, 'after') : [undefined];
  const befores = kind === 'before' || kind === 'both' ? bounds(entries, form, 'before') : [undefined];
  return afters.flatMap((after) =>
    befores.map((before) => {
      const within = ids.filter((id) => (!after || id > after.seqId) && (!before || id < before.seqId));
      const direction = reverse ? 'reverse' : 'forward';
      return {
        range: { after: after?.given, before: before?.given, reverse },
        expected: reverse ? within.reverse() : within,
        label: `after ${after?.seqId}, before ${before?.seqId}, as ${form}, ${direction}, ids ${ids.join(' ')}`,
      };
    }),
  );
}

/** Returns SeqIds on and next to each entry, 0, and for `before` one beyond the tail; or the cursor of each entry. */
function bounds(entries: readonly TimelineEntry<string>[], form: BoundForm, side: 'after' | 'before'): Bound[] {
  if (form === 'cursors') return entries.map((entry) => ({ given: entry.cursor, seqId: entry.seqId }));
  const last = entries.at(-1)!.seqId;
  const places = new Set(seqIds(entries).flatMap((id) => [id - 1n, id, id + 1n]));
  places.add(0n);
  if (side === 'before') places.add(last + 1000n);
  return [...places]
    .filter((place) => side === 'before' || place <= last)
    .map((place) => ({ given: place, seqId: place }));
}

/** Reads a range page by page and checks every page. */
export async function readInPages(
  timeline: Timeline<string>,
  { range, expected, label }: RangeCase,
  limit: number,
): Promise<bigint[]> {
  const seen: bigint[] = [];
  let { after, before } = range;
  for (let pages = 0; pages <= expected.length + 1; pages += 1) {
    const page = await timeline.read({ after, before, reverse: range.reverse, limit });
    checkPage(page, expected.slice(seen.length), limit, range.reverse ? before : after, label);
    seen.push(...seqIds(page.entries));
    if (page.upToDate) return seen;
    if (range.reverse) before = page.next;
    else after = page.next;
  }
  return assert.fail(`paging does not end: ${label}, limit ${limit}`);
}

function checkPage(
  page: Page<string>,
  left: readonly bigint[],
  limit: number,
  from: Cursor | bigint | undefined,
  label: string,
): void {
  const where = `${label}, limit ${limit}`;
  assert.ok(page.entries.length <= limit, `a page of ${page.entries.length}: ${where}`);
  assert.deepEqual(seqIds(page.entries), left.slice(0, page.entries.length), where);
  if (page.entries.length === 0) {
    assert.equal(left.length, 0, `an empty page before the end: ${where}`);
    if (typeof from === 'string') assert.equal(page.next, from, `an empty page leads elsewhere: ${where}`);
  } else {
    assert.equal(page.next, page.entries.at(-1)?.cursor, `next is not the cursor of the last entry: ${where}`);
  }
  if (page.upToDate) assert.equal(page.entries.length, left.length, `upToDate before the end: ${where}`);
}
