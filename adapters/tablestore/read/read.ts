import type { AdapterHead, Call, Range, Row, Slice } from '../../../src/adapter.js';
import { MAX_SEQ_ID } from '../../../src/cursor.js';
import { pause } from '../../../src/toolkit/index.js';
import type { Context } from '../context.js';
import type { FoundEntry } from '../tables/entry-table.js';
import type { TimelineState } from '../timeline-state.js';
import { RangeReader } from './range.js';

/** Entries this old are settled, however far the clocks of writers and readers differ. */
const SETTLED_AGE_MS = 60_000;

/** Reads pages and heads. */
export class Reader {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async heads(timelines: readonly string[], call: Call): Promise<readonly AdapterHead[]> {
    const states = timelines.map((timeline) => this.#context.state(timeline));
    return Promise.all(
      states.map(async (state) => {
        const [{ seqId: lastSeqId }, { firstReadable }] = await Promise.all([
          this.#context.bounds.readLast(state, call),
          this.#context.bounds.recentStart(state, call),
        ]);
        return { epoch: this.#context.record.epoch, firstSeqId: firstReadable?.seqId ?? lastSeqId + 1n, lastSeqId };
      }),
    );
  }

  async read(ranges: readonly Range[], call: Call): Promise<readonly Slice[]> {
    const states = ranges.map(({ timeline }) => this.#context.state(timeline));
    return Promise.all(ranges.map((range, i) => this.#readOne(states[i] as TimelineState, range, call)));
  }

  async #readOne(state: TimelineState, range: Range, call: Call): Promise<Slice> {
    const result = await new RangeReader(this.#context, state, range, call).read();
    const newest = result.entries.at(-1);
    if (range.reverse || !newest || this.#isSettled(state, range, newest)) {
      return this.#toSlice(state, range, result, call);
    }
    // Entries below the newest may still appear until it is settled; those above it are left for the next read.
    await pause(Math.min(state.settled.waitFor(newest.seqId), Math.max(0, call.deadline - performance.now())));
    const settledRange = { ...range, before: newest.seqId + 1n };
    const settled = await new RangeReader(this.#context, state, settledRange, call).read();
    state.settled.raise(newest.seqId);
    settled.more ||= result.more;
    settled.last = result.last;
    return this.#toSlice(state, range, settled, call);
  }

  #isSettled(state: TimelineState, { after = 0n, before }: Range, { seqId, at }: FoundEntry): boolean {
    const { isDense, clock, settings } = this.#context;
    if (isDense || state.settled.includes(seqId)) return true;
    const isOneEntry = before === after + 2n;
    return isOneEntry || at < clock.entryTime() - SETTLED_AGE_MS || settings.settleMs === 0;
  }

  async #toSlice(state: TimelineState, range: Range, result: RangeReader, call: Call): Promise<Slice> {
    const { after, reverse } = range;
    const { entries } = result;
    let truncatedThrough: bigint | undefined;
    if (after !== undefined && (result.mayLackStart || result.removedThrough > after)) {
      const through = await this.#removedBehind(state, after, result, call);
      if (through > after) truncatedThrough = through;
    }
    if (after === undefined && !reverse) this.#learnStart(state, result);
    const lastSeqId = await this.#lastSeqId(state, result, range, call);
    const start = lastSeqId === 0n ? undefined : await this.#context.bounds.recentStart(state, call);
    return {
      epoch: this.#context.record.epoch,
      firstSeqId: start?.firstReadable?.seqId ?? lastSeqId + 1n,
      lastSeqId,
      rows: entries.map(toRow),
      more: result.more,
      truncatedThrough,
    };
  }

  /** A read from the oldest entry shows where the Timeline starts. */
  #learnStart({ bounds }: TimelineState, { entries, removedThrough: seen }: RangeReader): void {
    const [oldest] = entries;
    if (!oldest) return;
    const known = seen > 0n ? seen : bounds.removedThrough;
    bounds.setStart(this.#context.isDense ? oldest.seqId - 1n : known, oldest);
  }

  async #removedBehind(
    state: TimelineState,
    after: bigint,
    { firstReadable, last, removedThrough: seen }: RangeReader,
    call: Call,
  ): Promise<bigint> {
    if (!firstReadable && last === undefined) return (await this.#context.bounds.readStart(state, call)).removedThrough;
    const through = await this.#context.bounds.readRemovedThrough(state, { firstReadable, removedThrough: seen }, call);
    if (firstReadable && through > after) state.bounds.setStart(through, firstReadable);
    return through;
  }

  async #lastSeqId(
    state: TimelineState,
    { last, entries }: RangeReader,
    { after, before }: Range,
    call: Call,
  ): Promise<bigint> {
    if (last !== undefined) return last;
    const isBelowKnownLast = entries.length > 0 || (before !== undefined && (after ?? 0n) <= state.bounds.last);
    if (isBelowKnownLast && state.bounds.last > 0n) return state.bounds.last;
    const { seqId, newest } = await this.#context.bounds.readLast(state, call);
    if (newest || after === undefined || seqId >= after || this.#context.isDense) return seqId;
    // All entries have left the table, perhaps before the last of them was recorded: `after` may well be its id. That
    // is expiry and not an older state of the store.
    const { mayBeOutdated } = await this.#context.timelineRows.get(state.timeline, call);
    return mayBeOutdated && after <= MAX_SEQ_ID ? after : seqId;
  }
}

function toRow({ seqId, at, stored }: FoundEntry): Row {
  const { body, key, revision } = stored;
  return { seqId, appendedAt: at, body, key, revision };
}
