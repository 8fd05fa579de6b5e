import type { AdapterHead, Call, Range, Row, Slice } from '../../../src/adapter.js';
import { MAX_SEQ_ID } from '../../../src/cursor.js';
import { pause } from '../../../src/toolkit/index.js';
import type { Context } from '../context.js';
import type { FoundEntry } from '../tables/entry-table.js';
import type { TimelineState } from '../timeline-state.js';
import { highest, isSettledByAge } from './bounds.js';
import { endsOf, HeadReader, NONE_READABLE, type TimelineEnds } from './heads.js';
import { RangeReader } from './range.js';

/** Attempts to read a page that trims overtake. */
const MAX_ATTEMPTS = 3;

/** Reads pages and heads. */
export class Reader {
  readonly #context: Context;
  readonly #heads: HeadReader;

  constructor(context: Context) {
    this.#context = context;
    this.#heads = new HeadReader(context);
  }

  heads(timelines: readonly string[], call: Call): Promise<readonly AdapterHead[]> {
    return this.#heads.read(
      timelines.map((timeline) => this.#context.state(timeline)),
      call,
    );
  }

  async read(ranges: readonly Range[], call: Call): Promise<readonly Slice[]> {
    const states = ranges.map(({ timeline }) => this.#context.state(timeline));
    return Promise.all(ranges.map((range, i) => this.#readOne(states[i] as TimelineState, range, call)));
  }

  async #readOne(state: TimelineState, range: Range, call: Call): Promise<Slice> {
    for (let attempt = 1; ; attempt++) {
      const result = await this.#readSettled(state, range, call);
      const through = range.rowsOnly ? undefined : await this.#truncatedThrough(state, range, result, call);
      const oldest = oldestOf(range, result);
      const isOvertaken = oldest !== undefined && through !== undefined && through >= oldest.seqId;
      if (isOvertaken && attempt < MAX_ATTEMPTS) continue;
      const truncatedThrough = isOvertaken ? oldest.seqId - 1n : through;
      return this.#toSlice(state, range, { result, truncatedThrough, oldest }, call);
    }
  }

  async #readSettled(state: TimelineState, range: Range, call: Call): Promise<RangeReader> {
    const result = await new RangeReader(this.#context, state, range, call).read();
    const newest = result.entries.at(-1);
    if (range.reverse || !newest || this.#isSettled(state, range, newest)) return result;
    // Entries below the newest may still appear until it is settled; those above it are left for the next read.
    await pause(Math.min(state.settled.waitFor(newest.seqId), Math.max(0, call.deadline - performance.now())));
    const settledRange = { ...range, before: newest.seqId + 1n };
    const settled = await new RangeReader(this.#context, state, settledRange, call).read();
    state.settled.raise(newest.seqId);
    settled.more ||= result.more;
    settled.last = result.last;
    return settled;
  }

  #isSettled(state: TimelineState, { after = 0n, before }: Range, newest: FoundEntry): boolean {
    const isOneEntry = before === after + 2n;
    return isOneEntry || state.settled.includes(newest.seqId) || isSettledByAge(this.#context, newest);
  }

  async #truncatedThrough(
    state: TimelineState,
    { after }: Range,
    result: RangeReader,
    call: Call,
  ): Promise<bigint | undefined> {
    if (after === undefined || !(result.mayLackStart || result.removedThrough > after)) return undefined;
    const { firstReadable, last, removedThrough } = result;
    const { bounds } = this.#context;
    const through =
      firstReadable || last !== undefined
        ? await bounds.readRemovedThrough(state, { firstReadable, removedThrough }, call)
        : (await bounds.readStart(state, call)).removedThrough;
    return through > after ? through : undefined;
  }

  async #toSlice(state: TimelineState, range: Range, read: ReadPage, call: Call): Promise<Slice> {
    const { result, truncatedThrough } = read;
    const { epoch } = this.#context.record;
    const rows = result.entries.map(toRow);
    const { last } = state.bounds;
    const ends = range.rowsOnly
      ? { firstSeqId: last + 1n, lastSeqId: last }
      : await this.#endsOf(state, range, read, call);
    return { epoch, ...ends, rows, more: result.more, truncatedThrough };
  }

  /** The ends of the Timeline that agree with the page, remembered ones where it does not show them. */
  async #endsOf(state: TimelineState, range: Range, read: ReadPage, call: Call): Promise<TimelineEnds> {
    const { result, oldest, truncatedThrough = 0n } = read;
    const lastSeqId = await this.#lastSeqId(state, range, result, call);
    const newest = range.reverse ? result.entries[0] : result.entries.at(-1);
    const atLeast = highest(lastSeqId, newest?.seqId ?? 0n, truncatedThrough);
    state.bounds.raiseUnreadable(highest(result.removedThrough, truncatedThrough));
    const known = highest(state.bounds.removedThrough, result.removedThrough, truncatedThrough);
    const shown = shownStart(range, read);
    if (!shown) {
      const start = lastSeqId === 0n ? NONE_READABLE : await this.#context.bounds.recentStart(state, call);
      return endsOf(start, atLeast, oldest);
    }
    const { firstReadable } = shown;
    const removedThrough = firstReadable && this.#context.isDense ? firstReadable.seqId - 1n : known;
    if (firstReadable && this.#mayRemember(state, firstReadable))
      state.bounds.setStart({ removedThrough, firstReadable });
    return endsOf({ firstReadable, removedThrough }, atLeast);
  }

  #mayRemember(state: TimelineState, entry: FoundEntry): boolean {
    // Before an entry that is not settled, another one may appear.
    return state.settled.includes(entry.seqId) || isSettledByAge(this.#context, entry);
  }

  async #lastSeqId(
    state: TimelineState,
    { after, before, reached = 0n }: Range,
    { last, entries }: RangeReader,
    call: Call,
  ): Promise<bigint> {
    if (last !== undefined) return last;
    const { bounds } = state;
    const isBelowKnownLast = entries.length > 0 || (before !== undefined && (after ?? 0n) <= bounds.last);
    if (isBelowKnownLast && bounds.isTailRecent && bounds.last >= reached) return bounds.last;
    const { seqId, newest } = await this.#context.bounds.readLast(state, call);
    if (newest || after === undefined || seqId >= after || this.#context.isDense) return seqId;
    // All entries have left the table, perhaps before the last of them was recorded: `after` may well be its id. That
    // is expiry and not an older state of the store.
    const { mayBeOutdated } = await this.#context.timelineRows.get(state.timeline, call);
    return mayBeOutdated && after <= MAX_SEQ_ID ? after : seqId;
  }
}

/** A page, and what it tells of its Timeline. */
interface ReadPage {
  readonly result: RangeReader;
  readonly truncatedThrough: bigint | undefined;
  /** Of the entries for readers. */
  readonly oldest: FoundEntry | undefined;
}

function oldestOf({ reverse }: Range, { entries }: RangeReader): FoundEntry | undefined {
  return reverse ? entries.at(-1) : entries[0];
}

/** The old end of the Timeline, if the page comes to it. */
function shownStart(
  { after, reverse }: Range,
  { result, truncatedThrough, oldest }: ReadPage,
): { readonly firstReadable: FoundEntry | undefined } | undefined {
  const beginsBehindAfter = after !== undefined && truncatedThrough === undefined;
  const reachesStart = reverse
    ? !result.more && !beginsBehindAfter
    : !beginsBehindAfter || result.removedThrough >= after;
  if (!reachesStart) return undefined;
  if (oldest) return { firstReadable: oldest };
  // Without any row, those that `last` is read from may be newer than the page.
  return result.last !== undefined && !result.more ? { firstReadable: undefined } : undefined;
}

function toRow({ seqId, at, stored }: FoundEntry): Row {
  const { body, key, revision } = stored;
  return { seqId, appendedAt: at, body, key, revision };
}
