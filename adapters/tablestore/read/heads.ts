import type { AdapterHead, Call } from '../../../src/adapter.js';
import type { Context } from '../context.js';
import type { FoundEntry } from '../tables/entry-table.js';
import type { EntryPosition, TimelineState } from '../timeline-state.js';
import { highest, type ReadStart, type TimelineTail } from './bounds.js';

export type TimelineEnds = Pick<AdapterHead, 'firstSeqId' | 'lastSeqId'>;

export const NONE_READABLE: ReadStart = { firstReadable: undefined, removedThrough: 0n };

/** The ends of a Timeline, of which the old one may have been read after the new one. */
export function endsOf(
  { firstReadable, removedThrough }: ReadStart,
  last: bigint,
  oldest: EntryPosition | undefined = firstReadable,
): TimelineEnds {
  const lastSeqId = highest(last, firstReadable?.seqId ?? removedThrough);
  const first = firstReadable?.seqId ?? lastSeqId + 1n;
  return { firstSeqId: oldest && oldest.seqId < first ? oldest.seqId : first, lastSeqId };
}

/**
 * Reads heads as the tables hold them now. The newest row of each Timeline takes a request of its own. It also tells
 * the first entry if all before it are removed; otherwise the first entry that is known needs to be there still, and
 * the rows of many Timelines are read together for that.
 */
export class HeadReader {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async read(states: readonly TimelineState[], call: Call): Promise<AdapterHead[]> {
    const [confirmed, ...tails] = await Promise.all([
      this.#confirmStarts(states, call),
      ...states.map((state) => this.#context.bounds.readLast(state, call)),
    ]);
    return Promise.all(
      states.map(async (state, i) => {
        const tail = tails[i] as TimelineTail;
        const start =
          this.#shownStart(state, tail) ?? confirmed.get(state) ?? (await this.#context.bounds.readStart(state, call));
        return { epoch: this.#context.record.epoch, ...endsOf(start, tail.seqId) };
      }),
    );
  }

  /** The start, if the newest row tells it. */
  #shownStart(state: TimelineState, { newest, newestRow }: TimelineTail): ReadStart | undefined {
    const { isDense } = this.#context;
    const [oldest] = newestRow;
    if (!newest || !oldest) return NONE_READABLE;
    // Where times may not follow the ids, an entry may be readable that is older than the newest one.
    const areOlderRemoved = (isDense && oldest.isRemoved) || oldest.isTrimmed;
    if (areOlderRemoved) return this.#startIn(state, newestRow);
    const { firstNotRemoved } = state.bounds;
    const isFirst = (isDense && oldest.seqId === 1n) || firstNotRemoved?.rowId === oldest.rowId;
    return isFirst && !oldest.isRemoved ? this.#startIn(state, newestRow) : undefined;
  }

  #startIn(state: TimelineState, newestRow: readonly FoundEntry[]): ReadStart {
    const firstReadable = newestRow.find(({ isRemoved }) => !isRemoved);
    const removedThrough = newestRow.findLast(({ isRemoved }) => isRemoved)?.seqId ?? state.bounds.removedThrough;
    const start = { firstReadable, removedThrough };
    state.bounds.raiseUnreadable(removedThrough);
    if (firstReadable) state.bounds.setStart(start);
    return start;
  }

  /** The starts that are known and still stand. */
  async #confirmStarts(states: readonly TimelineState[], call: Call): Promise<Map<TimelineState, ReadStart>> {
    const { entryTable, record } = this.#context;
    const confirmed = new Map<TimelineState, ReadStart>();
    const places = [...new Set(states)].flatMap((state) => {
      const { firstNotRemoved: first, last, removedThrough } = state.bounds;
      // The newest row will tell.
      if (!first || state.positionOf(last)?.rowId === first.rowId) return [];
      return [{ state, rowId: first.rowId, first, removedThrough }];
    });
    const records = await entryTable.rowsAt(places, call);
    places.forEach(({ state, first, removedThrough }, i) => {
      const row = records[i];
      const found = row && entryTable.entriesOf(row).find(({ seqId }) => seqId === first.seqId);
      if (!found || found.isTrimmed || Math.max(found.at, first.at) <= record.expiryCutoff()) return;
      const start = { firstReadable: first, removedThrough };
      state.bounds.setStart(start);
      confirmed.set(state, start);
    });
    return confirmed;
  }
}
