import type { AdapterHead, Cut, Position, Range, Slice } from './adapter.js';
import { decodeCursor, encodeCursor, MAX_SEQ_ID } from './cursor.js';
import { type Decoder, decodeRow } from './decode.js';
import { type Entry, TimelineHead } from './entry.js';
import { invalidArgument, TimelineError } from './errors.js';
import { withJson } from './json.js';
import { describeValue } from './text.js';
import type { TimelineRef } from './timeline-id.js';
import type { Cursor, Page, ReadRange, SeqIdLike } from './types.js';

export const MAX_PAGE = 10_000;
const DEFAULT_LIMIT = 100;
const DOT = '.'.charCodeAt(0);
/** One form for each number, of no more digits than the largest SeqId. */
const DECIMAL = /^(?:0|[1-9]\d{0,18})$/;

/** A bound as given and as parsed. A bare SeqId has no epoch, so only its SeqId can be checked. */
interface Bound {
  readonly given: Cursor | bigint;
  readonly seqId: bigint;
  /** `''` matches any epoch. */
  readonly epoch: string;
}

export interface CheckedRange {
  readonly ref: TimelineRef;
  readonly range: Range;
  readonly after: Bound | undefined;
  readonly before: Bound | undefined;
}

/** Law Limits: refuses invalid types and values of a range before any I/O. */
export function checkRange(ref: TimelineRef, options: ReadRange): CheckedRange {
  const after = checkBound(ref, options.after, 'after');
  const before = checkBound(ref, options.before, 'before');
  const limit = Math.min(checkCount(options.limit ?? DEFAULT_LIMIT, 'limit'), MAX_PAGE);
  const reverse = options.reverse ?? false;
  if (typeof reverse !== 'boolean')
    throw invalidArgument('reverse', `must be a boolean, not ${describeValue(reverse)}`);
  return {
    ref,
    range: {
      timeline: ref.encoded,
      after: after?.seqId,
      before: before?.seqId,
      limit,
      reverse,
      // A bare `before` may lie beyond the tail.
      ...(typeof before?.given === 'string' && { reached: before.seqId }),
    },
    after,
    before,
  };
}

function checkBound(ref: TimelineRef, given: Cursor | SeqIdLike | undefined, argument: string): Bound | undefined {
  if (given === undefined || given === null) return undefined;
  if (typeof given === 'string' && !isDecimal(given)) {
    const { epoch, seqId } = decodeCursor(ref, given, argument);
    return { given, seqId, epoch };
  }
  if (typeof given !== 'bigint' && typeof given !== 'string')
    throw invalidArgument(argument, `must be a cursor or a SeqId, not ${describeValue(given)}`);
  const seqId = checkSeqId(given, argument, 0n);
  return { given: seqId, seqId, epoch: '' };
}

/** Returns true for a text of digits alone. A cursor has dots. */
export function isDecimal(text: unknown): text is string {
  return typeof text === 'string' && text.charCodeAt(1) !== DOT && /^\d+$/.test(text);
}

/**
 * Returns the SeqId of a bigint or decimal string, from `least` to 2^63 - 1. Throws `TIMELINE_INVALID_ARGUMENT`.
 *
 * @example
 * const seqId = checkSeqId(request.params.seqId, 'seqId', 1n);
 */
export function checkSeqId(given: unknown, argument: string, least: bigint): bigint {
  const value = typeof given === 'string' && DECIMAL.test(given) ? BigInt(given) : given;
  if (typeof value !== 'bigint')
    throw invalidArgument(argument, `must be a bigint or a decimal string, not ${describeValue(value)}`);
  if (value < least || value > MAX_SEQ_ID)
    throw invalidArgument(argument, `must lie between ${least}n and 2^63 - 1, not ${value}n`);
  return value;
}

/**
 * Returns `value` if it is a safe integer from `least`, by default 1, to `most`, by default any. Throws
 * `TIMELINE_INVALID_ARGUMENT`.
 *
 * @example
 * const pollMs = checkCount(options.pollMs ?? 1000, 'pollMs', { least: 10, most: MAX_TIMER_MS });
 */
export function checkCount(value: unknown, argument: string, options: { least?: number; most?: number } = {}): number {
  const { least = 1, most = Number.MAX_SAFE_INTEGER } = options;
  if (!Number.isSafeInteger(value)) throw invalidArgument(argument, `must be an integer, not ${describeValue(value)}`);
  const count = value as number;
  if (count < least || count > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? `be at least ${least}` : `lie between ${least} and ${most}`;
    throw invalidArgument(argument, `must ${range}, not ${count}`);
  }
  return count;
}

/** Returns the part of a Timeline to trim. Throws `TIMELINE_INVALID_ARGUMENT`. */
export function checkCut({ through, keepLast }: { readonly through?: SeqIdLike; readonly keepLast?: number }): Cut {
  if (through === undefined) return { keepLast: checkCount(keepLast, 'keepLast', { least: 0 }) };
  if (keepLast !== undefined) throw invalidArgument('keepLast', 'must not be given together with through');
  return { through: checkSeqId(through, 'through', 0n) };
}

/** Law Epoch: throws for a position in other data or beyond the tail, instead of returning an empty page. */
export function checkPosition(
  ref: TimelineRef,
  head: Pick<AdapterHead, 'epoch' | 'lastSeqId' | 'ancestors'>,
  { epoch, seqId }: Position,
): void {
  const timeline = ref.encoded;
  if (epoch !== head.epoch && epoch !== '' && !isOfAncestor(head.ancestors, epoch, seqId)) {
    throw new TimelineError(
      'TIMELINE_EPOCH_CHANGED',
      `the data of ${describeValue(timeline)} were dropped, or lost and started again, since this cursor`,
      {
        timeline,
        actual: head.lastSeqId,
      },
    );
  }
  if (seqId > head.lastSeqId) {
    const actual = head.lastSeqId;
    const message = `position ${seqId} of ${describeValue(timeline)} lies beyond its tail, ${actual}`;
    throw new TimelineError('TIMELINE_ROLLED_BACK', `${message}: the store was rolled back`, {
      timeline,
      expected: seqId,
      actual,
    });
  }
}

/** Law Epoch for both bounds of a range. */
export function checkBounds({ ref, after, before }: CheckedRange, head: AdapterHead): void {
  if (after) checkPosition(ref, head, after);
  // A bare `before` may lie beyond the tail.
  if (typeof before?.given === 'string') checkPosition(ref, head, before);
}

function isOfAncestor(ancestors: readonly Position[] | undefined, epoch: string, seqId: bigint): boolean {
  return ancestors?.some((ancestor) => ancestor.epoch === epoch && ancestor.seqId >= seqId) === true;
}

/**
 * Makes a page, which ends before an entry that does not decode, unless the decoder handles it. Throws its error if no
 * entry precedes it; with `perItem` returns the error on the page, because other pages of the batch are valid.
 */
export function toPage<M>(
  checked: CheckedRange,
  slice: Slice,
  decoder: Decoder<M>,
  options: { readonly perItem?: boolean } = {},
): Page<M> {
  const { ref, after, before, range } = checked;
  checkBounds(checked, slice);
  const { entries, error, last } = decodeRows(ref, slice, decoder);
  const through = slice.truncatedThrough;
  // Report the truncation before the error, because readers then continue behind the entry.
  const tellsFirst = through !== undefined && last === undefined && !range.reverse;
  if (error && entries.length === 0 && !options.perItem && !tellsFirst) throw error;
  let next: Cursor;
  if (last !== undefined) next = encodeCursor(ref, slice.epoch, last);
  else if (error && tellsFirst) next = encodeCursor(ref, slice.epoch, through);
  else next = emptyNext(ref, slice, range.reverse, range.reverse ? before : after);
  return {
    entries,
    next,
    upToDate: !error && (!slice.more || slice.rows.length === 0),
    head: new TimelineHead(ref, slice),
    ...(through !== undefined && { truncated: withJson({ through }) }),
    ...(error && options.perItem && { error }),
  };
}

interface Decoded<M> {
  readonly entries: Entry<M>[];
  /** Error of the row behind `last`, where decoding ended. */
  readonly error?: TimelineError;
  /** The last row that was decoded or skipped. */
  readonly last: bigint | undefined;
}

function decodeRows<M>(ref: TimelineRef, { rows, epoch }: Slice, decoder: Decoder<M>): Decoded<M> {
  const entries: Entry<M>[] = [];
  let last: bigint | undefined;
  for (const row of rows) {
    try {
      const entry = decodeRow(ref, epoch, row, decoder);
      if (entry) entries.push(entry);
    } catch (error) {
      return { entries, last, error: error as TimelineError };
    }
    last = row.seqId;
  }
  return { entries, last };
}

/** Law Bounds: the cursor of an empty page is the given one, else the end of the range. */
function emptyNext(ref: TimelineRef, slice: Slice, reverse: boolean, from: Bound | undefined): Cursor {
  if (typeof from?.given === 'string') return from.given;
  return encodeCursor(ref, slice.epoch, from?.seqId ?? (reverse ? slice.lastSeqId : slice.firstSeqId - 1n));
}
