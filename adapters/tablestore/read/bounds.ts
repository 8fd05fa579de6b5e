import type { Call } from '../../../src/adapter.js';
import type { EntryTable, FoundEntry, RowRange } from '../tables/entry-table.js';
import type { LibraryBase } from '../tables/open.js';
import type { RecordedBounds, TimelineRows } from '../tables/timeline-rows.js';
import type { EntryPosition, TimelineStart, TimelineState } from '../timeline-state.js';

/** How long a known start is good enough for a head: another process may trim. */
const START_VALID_MS = 60_000;

/** The old end of a Timeline as one scan of its rows shows it. */
interface ScannedStart {
  readonly firstReadable: FoundEntry | undefined;
  /** The highest removed id that the scan met, or that was known before; 0n: none. */
  readonly removedThrough: bigint;
  readonly sawRows: boolean;
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

  /** The last SeqId, and its entry if any row is left. 0n: nothing was ever appended. */
  async readLast(state: TimelineState, call: Call): Promise<{ seqId: bigint; newest: FoundEntry | undefined }> {
    const { record } = this.#base;
    const entryTable = this.#entryTable;
    const { bounds } = state;
    const range = { isBackward: true, limit: 1, columns: 'heads' } as const;
    const [row] = (await entryTable.page(state, range, call)).rows;
    if (row) {
      const newest = entryTable.entriesOf(row).at(-1) as FoundEntry;
      if (newest.seqId < bounds.last) this.#suspectReplacement();
      state.sawEntry(newest.seqId, newest.at);
      state.rememberPosition(newest);
      return { seqId: newest.seqId, newest };
    }
    if (record.ttlMs === undefined) {
      if (bounds.last > 0n) this.#suspectReplacement();
      return { seqId: 0n, newest: undefined };
    }
    const recorded = await this.#timelineRows.get(state.timeline, call);
    return { seqId: highest(recorded.last, recorded.removedThrough, bounds.last), newest: undefined };
  }

  /** The last SeqId never falls, unless the table was made again or another program deletes rows of it. */
  #suspectReplacement(): void {
    if (!this.#base.layout.shared) this.#base.record.suspectReplacement();
  }

  /** The start as a head needs it: read again only if it is a minute old or its first entry has expired. */
  async recentStart(state: TimelineState, call: Call): Promise<TimelineStart> {
    const { start } = state.bounds;
    const isRecent =
      start?.firstReadable &&
      start.firstReadable.at > this.#base.record.expiryCutoff() &&
      performance.now() - start.readAt < START_VALID_MS;
    return start && isRecent ? start : this.readStart(state, call);
  }

  async readStart(state: TimelineState, call: Call): Promise<TimelineStart> {
    const { isDense, record } = this.#base;
    const scanned = await this.#scan(state, call);
    const allRowsExpired = isDense && !scanned.sawRows && record.ttlMs !== undefined;
    const removedThrough = allRowsExpired
      ? (await this.readLast(state, call)).seqId
      : await this.#removedBefore(state, scanned, call);
    return state.bounds.setStart(removedThrough, scanned.firstReadable);
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
    let range: RowRange = { from: state.bounds.firstReadable?.rowId, limit: 2, columns: 'heads' };
    for (;;) {
      const page = await entryTable.page(state, range, call);
      for (const found of page.rows.flatMap((row) => entryTable.entriesOf(row))) {
        sawRows = true;
        if (!found.isRemoved) return { firstReadable: found, removedThrough, sawRows };
        removedThrough = found.seqId;
      }
      if (page.next === undefined) return { firstReadable: undefined, removedThrough, sawRows };
      range = { from: page.next, columns: 'heads' };
    }
  }
}

function removedInDense({ firstReadable, removedThrough }: Pick<TimelineStart, 'firstReadable' | 'removedThrough'>) {
  return firstReadable ? firstReadable.seqId - 1n : removedThrough;
}

function highest(...ids: readonly bigint[]): bigint {
  return ids.reduce((high, id) => (id > high ? id : high));
}
