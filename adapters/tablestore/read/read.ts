import type { AdapterHead, Call, Range, Row, Slice } from '../../../src/adapter.js';
import { MAX_SEQ_ID } from '../../../src/cursor.js';
import { pause } from '../../../src/retry.js';
import type { Context, Found } from '../context.js';
import type { Directory } from '../tables/timeline-rows.js';
import type { TimelineState } from '../timeline-state.js';
import type { Ends } from './bounds.js';
import { Forward } from './read-forward.js';
import { readReverse } from './read-reverse.js';

/** Entries older than this have settled, whatever the clocks of writers and readers say. */
const SETTLED_AGE_MS = 60_000;

/** What was found of a range. */
export interface Stretch {
  /** In the order of reading. */
  readonly rows: readonly Found[];
  readonly more: boolean;
  /** Somewhere behind `after` entries may be gone. */
  readonly gap: boolean;
  /** Where there is a gap: the first row beyond it; undefined if reading did not come so far. */
  readonly beyond: Found | undefined;
  /** The Timeline's last SeqId, where reading came to it. */
  readonly last: bigint | undefined;
  /** The highest entry met that is gone. */
  readonly gone: bigint;
}

export class Reader {
  constructor(
    private readonly context: Context,
    private readonly directory: Directory,
    private readonly ends: Ends,
  ) {}

  async heads(timelines: readonly string[], call: Call): Promise<readonly AdapterHead[]> {
    const states = timelines.map((timeline) => this.context.state(timeline));
    return Promise.all(
      states.map(async (state) => {
        const [{ seqId }, front] = await Promise.all([this.ends.tail(state, call), this.ends.known(state, call)]);
        const { epoch } = this.context;
        return { epoch, firstSeqId: front.first?.seqId ?? seqId + 1n, lastSeqId: seqId };
      }),
    );
  }

  async read(ranges: readonly Range[], call: Call): Promise<readonly Slice[]> {
    const states = ranges.map(({ timeline }) => this.context.state(timeline));
    return Promise.all(ranges.map((range, i) => this.#readOne(states[i] as TimelineState, range, call)));
  }

  async #readOne(state: TimelineState, range: Range, call: Call): Promise<Slice> {
    if (range.reverse) return this.#toSlice(state, range, await readReverse(this.context, state, range, call), call);
    const first = await new Forward(this.context, state, range, call).read();
    const top = first.rows.at(-1);
    if (!top || this.#hasSettled(state, range, top)) return this.#toSlice(state, range, first, call);
    // Once it has settled, what lies below the newest entry is final; what came after it meanwhile is for the next read.
    await pause(Math.min(state.settlesIn(top.seqId), Math.max(0, call.deadline - performance.now())));
    const again = await new Forward(this.context, state, { ...range, before: top.seqId + 1n }, call).read();
    state.settled(top.seqId);
    return this.#toSlice(state, range, { ...again, more: first.more || again.more, last: first.last }, call);
  }

  #hasSettled(state: TimelineState, { after = 0n, before }: Range, top: Found): boolean {
    if (this.context.dense || state.isSettled(top.seqId)) return true;
    if (before === after + 2n || top.at < this.context.clock.entryTime() - SETTLED_AGE_MS) return true;
    return this.context.settings.settleMs === 0;
  }

  async #toSlice(state: TimelineState, range: Range, stretch: Stretch, call: Call): Promise<Slice> {
    const { after, reverse } = range;
    const { rows } = stretch;
    let truncatedThrough: bigint | undefined;
    if (after !== undefined && (stretch.gap || stretch.gone > after)) {
      const gone = await this.#goneThrough(state, after, stretch, call);
      if (gone > after) truncatedThrough = gone;
    }
    const [oldest] = rows;
    if (after === undefined && !reverse && oldest) {
      const gone = this.context.dense
        ? oldest.seqId - 1n
        : stretch.gone > 0n
          ? stretch.gone
          : (state.front?.gone ?? 0n);
      state.front = { gone, first: oldest, foundAt: performance.now() };
    }
    const last = await this.#last(state, stretch, range, call);
    const front = last === 0n ? undefined : await this.ends.known(state, call);
    return {
      epoch: this.context.epoch,
      firstSeqId: front?.first?.seqId ?? last + 1n,
      lastSeqId: last,
      rows: rows.map(toRow),
      more: stretch.more,
      truncatedThrough,
    };
  }

  async #goneThrough(
    state: TimelineState,
    after: bigint,
    { beyond, last, gone }: Stretch,
    call: Call,
  ): Promise<bigint> {
    if (!beyond && last === undefined) return (await this.ends.find(state, call)).gone;
    const through = await this.ends.goneBehind(state, { first: beyond, met: gone }, call);
    if (beyond && through > after) state.front = { gone: through, first: beyond, foundAt: performance.now() };
    return through;
  }

  async #last(state: TimelineState, { last, rows }: Stretch, { after, before }: Range, call: Call): Promise<bigint> {
    if (last !== undefined) return last;
    const isWithin = rows.length > 0 || (before !== undefined && (after ?? 0n) <= state.last);
    if (isWithin && state.last > 0n) return state.last;
    const { seqId, found } = await this.ends.tail(state, call);
    if (found || after === undefined || seqId >= after || this.context.dense) return seqId;
    // All entries have vanished, and the last of them perhaps before it was noted which it was: that is expiry, not an older state.
    const [noted] = await this.directory.get([state.timeline], call);
    return noted?.mayBeBehind && after <= MAX_SEQ_ID ? after : seqId;
  }
}

function toRow({ seqId, at, stored }: Found): Row {
  const { body, key, revision } = stored;
  return { seqId, appendedAt: at, body, key, revision };
}
