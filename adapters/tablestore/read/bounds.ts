import type { Call } from '../../../src/adapter.js';
import type { EntryTable, FoundEntry, RowRange } from '../tables/entry-table.js';
import type { LibraryBase } from '../tables/open.js';
import type { RecordedBounds, TimelineRows } from '../tables/timeline-rows.js';
import type { EntryPosition, TimelineStart, TimelineState } from '../timeline-state.js';

/** The old end of a Timeline as one scan of its rows shows it. */
interface ScannedStart {
  readonly firstReadable: FoundEntry | undefined;
  /** The highest removed id that the scan met, or that was known before; 0n: none. */
  readonly removedThrough: bigint;
  readonly sawRows: boolean;
}

/** The old end of a Timeline, just read. */
export type ReadStart = Omit<TimelineStart, 'readAt'>;

/** The new end of a Timeline. */
export interface TimelineTail {
  /** 0n: nothing was ever appended. */
  readonly seqId: bigint;
  /** Its entry; `undefined` if no row is left. */
  readonly newest: FoundEntry | undefined;
  /** All entries of that row. */
  readonly newestRow: readonly FoundEntry[];
}

/** Entries this old are settled, however far the clocks of writers and readers differ. */
const SETTLED_AGE_MS = 60_000;

/** True if no smaller id can appear any more, whenever this one was first seen. */
export function isSettledByAge({ isDense, clock, settings }: LibraryBase, { at }: EntryPosition): boolean {
  return isDense || settings.settleMs === 0 || at < clock.entryTime() - SETTLED_AGE_MS;
}

/** Reads the bounds of Timelines from their tables into `TimelineState.bounds`. */
export class BoundsReader {
  readonly #base: LibraryBase;
  readonly #entryTable: EntryTable;
  readonly #timelineRows: TimelineRows;

  constructor(base: LibraryBase, entryTable: EntryTable, timelineRows: TimelineRows) {
    this.#base = base;
    this.#entryTable = entryTable;
    this.#timelineRows = timelineRows;
  }

  /** The last SeqId, and the newest row's entries if any row is left. 0n: nothing was ever appended. */
  async readLast(state: TimelineState, call: Call): Promise<TimelineTail> {
    const { record } = this.#base;
    const entryTable = this.#entryTable;
    const { bounds } = state;
    const range = { isBackward: true, limit: 1, columns: 'heads' } as const;
    const [row] = (await entryTable.page(state, range, call)).rows;
    if (row) {
      const newestRow = entryTable.entriesOf(row);
      const newest = newestRow.at(-1) as FoundEntry;
      if (newest.seqId < bounds.last) this.#suspectReplacement();
      state.sawLastEntry(newest.seqId, newest.at);
      state.rememberPosition(newest);
      return { seqId: newest.seqId, newest, newestRow };
    }
    if (record.ttlMs === undefined) {
      if (bounds.last > 0n) this.#suspectReplacement();
      return { seqId: 0n, newest: undefined, newestRow: [] };
    }
    const recorded = await this.#timelineRows.get(state.timeline, call);
    const seqId = highest(recorded.last, recorded.removedThrough, bounds.last);
    return { seqId, newest: undefined, newestRow: [] };
  }

  /** The last SeqId never falls, unless the table was made again or another program deletes rows of it. */
  #suspectReplacement(): void {
    if (!this.#base.layout.shared) this.#base.record.suspectReplacement();
  }

  /** The start as a page needs it: read again only if it is a minute old or its first entry was removed. */
  async recentStart(state: TimelineState, call: Call): Promise<ReadStart> {
    const { start, firstNotRemoved, isStartRecent } = state.bounds;
    const isKnown = start && isStartRecent && firstNotRemoved && firstNotRemoved.at > this.#base.record.expiryCutoff();
    return isKnown ? start : this.readStart(state, call);
  }

  async readStart(state: TimelineState, call: Call): Promise<ReadStart> {
    const { isDense, record } = this.#base;
    const settledThrough = state.settled.through;
    const scanned = await this.#scan(state, call);
    const { firstReadable } = scanned;
    const allRowsExpired = isDense && !scanned.sawRows && record.ttlMs !== undefined;
    const removedThrough = allRowsExpired
      ? (await this.readLast(state, call)).seqId
      : await this.#removedBefore(state, scanned, call);
    const start = { removedThrough, firstReadable };
    // Before an entry that is not settled, another one may appear.
    const mayRemember =
      !firstReadable || firstReadable.seqId <= settledThrough || isSettledByAge(this.#base, firstReadable);
    if (mayRemember) state.bounds.setStart(start);
    return start;
  }

  /** The highest removed id behind a position that a reader came from; the position need never have had an entry. */
  async readRemovedThrough(
    state: TimelineState,
    seen: { readonly firstReadable: EntryPosition | undefined; readonly removedThrough: bigint },
    call: Call,
  ): Promise<bigint> {
    if (this.#base.isDense) return removedInDense(seen);
    const recorded = await this.#timelineRows.get(state.timeline, call);
    if (recorded.mayBeOutdated) return (await this.readStart(state, call)).removedThrough;
    return this.#recordRemoval(state, recorded, seen.removedThrough, call);
  }

  /**
   * Dense ids tell how far entries are removed. For other ids that is recorded: up to where they were trimmed, or seen
   * to have expired before they left the table.
   */
  async #removedBefore(state: TimelineState, scanned: ScannedStart, call: Call): Promise<bigint> {
    if (this.#base.isDense) return removedInDense(scanned);
    const { firstReadable, removedThrough: seen, sawRows } = scanned;
    const recorded = await this.#timelineRows.get(state.timeline, call);
    if (!recorded.mayBeOutdated) return this.#recordRemoval(state, recorded, seen, call);
    // Not exact: the last entry that left unrecorded may have any id below the first one kept. The highest is told.
    const highestPossible = firstReadable ? firstReadable.seqId - 1n : recorded.last;
    // Without any row all are removed, but not known up to which id: that stays open until there is a row again.
    return this.#recordRemoval(state, recorded, highest(seen, highestPossible), call, sawRows);
  }

  /** Records a removal that is not recorded yet; `isComplete` tells that of an outdated record. */
  async #recordRemoval(
    { timeline }: TimelineState,
    recorded: RecordedBounds,
    seen: bigint,
    call: Call,
    isComplete = seen > 0n,
  ): Promise<bigint> {
    const through = highest(seen, recorded.removedThrough);
    const isNews = through > recorded.removedThrough || (recorded.mayBeOutdated && isComplete);
    if (this.#base.record.ttlMs !== undefined && isNews) {
      await this.#timelineRows.recordRemoval(timeline, through, isComplete, call);
    }
    return through;
  }

  async #scan(state: TimelineState, call: Call): Promise<ScannedStart> {
    const entryTable = this.#entryTable;
    let { removedThrough } = state.bounds;
    let sawRows = false;
    let latest = state.bounds.firstReadable?.at ?? 0;
    let range: RowRange = { from: state.bounds.firstReadable?.rowId, limit: 2, columns: 'heads' };
    for (;;) {
      const page = await entryTable.page(state, range, call);
      for (const found of page.rows.flatMap((row) => entryTable.entriesOf(row))) {
        sawRows = true;
        // Law Expiry: no entry is older than the one before it.
        latest = Math.max(latest, found.at);
        const isRemoved = found.isTrimmed || latest <= this.#base.record.expiryCutoff();
        if (!isRemoved) return { firstReadable: { ...found, at: latest }, removedThrough, sawRows };
        removedThrough = found.seqId;
        if (this.#base.isDense || found.isTrimmed) state.bounds.raiseUnreadable(found.seqId);
      }
      if (page.next === undefined) return { firstReadable: undefined, removedThrough, sawRows };
      range = { from: page.next, columns: 'heads' };
    }
  }
}

function removedInDense({ firstReadable, removedThrough }: Pick<TimelineStart, 'firstReadable' | 'removedThrough'>) {
  return firstReadable ? firstReadable.seqId - 1n : removedThrough;
}

export function highest(...ids: readonly bigint[]): bigint {
  return ids.reduce((high, id) => (id > high ? id : high));
}
