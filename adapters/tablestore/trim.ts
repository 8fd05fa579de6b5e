import type { Call, Cut } from '../../src/adapter.js';
import { MAX_SEQ_ID } from '../../src/cursor.js';
import type { KeyReservations } from './append/key-reservations.js';
import type { Context } from './context.js';
import type { BoundsReader } from './read/bounds.js';
import type { RowWrite } from './service/requests.js';
import type { StoredRecord } from './service/values.js';
import type { FoundEntry } from './tables/entry-table.js';
import type { TimelineRows } from './tables/timeline-rows.js';
import type { TimelineState } from './timeline-state.js';

/** A row of the prefix to trim. */
interface TrimmedRow {
  readonly record: StoredRecord;
  readonly entries: readonly FoundEntry[];
  /** The highest of its ids that is trimmed. */
  readonly through: bigint;
}

/**
 * Trims a prefix. Deletions of many rows are not atomic, and readers would pass a row that is missing before others
 * without notice. So every row of the prefix is first marked with the last id trimmed, which readers heed; then the rows
 * are deleted. A crash in between leaves marked rows, which the next trim deletes.
 */
export class Trimmer {
  readonly #context: Context;
  readonly #timelineRows: TimelineRows;
  readonly #bounds: BoundsReader;
  readonly #reservations: KeyReservations | undefined;

  constructor(
    context: Context,
    timelineRows: TimelineRows,
    bounds: BoundsReader,
    reservations: KeyReservations | undefined,
  ) {
    this.#context = context;
    this.#timelineRows = timelineRows;
    this.#bounds = bounds;
    this.#reservations = reservations;
  }

  async trim(timeline: string, cut: Cut, call: Call): Promise<void> {
    const { requests, isDense } = this.#context;
    const state = this.#context.state(timeline);
    const { seqId: last, newest } = await this.#bounds.readLast(state, call);
    if (!newest) return;
    const wanted = 'through' in cut ? cut.through : await this.#highestBelowLast(state, cut.keepLast, call);
    const through = wanted < last ? wanted : last;
    const rows = await this.#rowsThrough(state, through, call);
    const highest = rows.at(-1)?.through;
    if (highest === undefined) return;
    if (!isDense) await this.#timelineRows.recordRemoval(timeline, highest, true, call);
    await requests.writeRepeatable(
      rows.filter(isUnmarked).map((row) => this.#mark(row)),
      call,
    );
    state.bounds.start = undefined;
    // The newest row is kept: it holds the last SeqId.
    const deletable = rows.filter(
      ({ entries }) => entries[0]?.rowId !== newest.rowId && this.#isDeletable(entries, through),
    );
    await requests.writeRepeatable(
      deletable.flatMap(({ entries }) => this.#seqIdUpdates(state, entries)),
      call,
    );
    await requests.writeRepeatable(
      deletable.map(({ record }) => this.#deletion(record)),
      call,
    );
  }

  /** The newest id that is not among the last `keepLast` that readers get; 0n: none. */
  async #highestBelowLast(state: TimelineState, keepLast: number, call: Call): Promise<bigint> {
    const { entryTable } = this.#context;
    let left = keepLast;
    for await (const rows of entryTable.pages(state, { isBackward: true, columns: 'heads' }, call)) {
      for (const found of rows.flatMap((row) => entryTable.entriesOf(row).reverse())) {
        if (found.isRemoved) return 0n;
        if (left-- === 0) return found.seqId;
      }
    }
    return 0n;
  }

  async #rowsThrough(state: TimelineState, through: bigint, call: Call): Promise<TrimmedRow[]> {
    const { entryTable } = this.#context;
    const found: TrimmedRow[] = [];
    if (through < 1n) return found;
    const to = through < MAX_SEQ_ID ? through + 1n : undefined;
    for await (const rows of entryTable.pages(state, { to, columns: 'heads' }, call)) {
      for (const record of rows) {
        const entries = entryTable.entriesOf(record);
        const last = entries.at(-1)?.seqId ?? 0n;
        found.push({ entries, record, through: last < through ? last : through });
      }
    }
    return found;
  }

  /** In `cas` the entries hold the keys, so a row with keys stays until they are forgotten. */
  #isDeletable(entries: readonly FoundEntry[], through: bigint): boolean {
    const { isDense, record } = this.#context;
    const last = entries.at(-1);
    if (!last || last.seqId > through) return false;
    if (!isDense || last.at <= record.keyCutoff()) return true;
    return entries.every(({ stored }) => stored.key === undefined);
  }

  #mark({ record, through }: TrimmedRow): RowWrite {
    const { layout, entryTable } = this.#context;
    const put = [{ name: layout.trimColumn as string, value: through }];
    const version = entryTable.changedCellVersion(record);
    return { table: entryTable.table, key: record.key, type: 'UPDATE', put, version, expect: 'exists' };
  }

  /** Records in the key reservations where their entries are: once deleted, these cannot be searched for. */
  #seqIdUpdates(state: TimelineState, entries: readonly FoundEntry[]): RowWrite[] {
    const reservations = this.#reservations;
    if (!reservations) return [];
    const cutoff = this.#context.record.keyCutoff();
    return entries.flatMap(({ seqId, at, recoveryTag: token, stored: { key } }) => {
      if (key === undefined || token === undefined || at <= cutoff) return [];
      return [reservations.seqIdUpdate({ state, key, token }, seqId)];
    });
  }

  #deletion({ key }: StoredRecord): RowWrite {
    return { table: this.#context.entryTable.table, key, type: 'DELETE' };
  }
}

function isUnmarked({ entries, through }: TrimmedRow): boolean {
  return entries.some(({ seqId, isRemoved }) => seqId <= through && !isRemoved);
}
