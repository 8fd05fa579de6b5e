import type { Call, WriteEntry } from '../../../src/adapter.js';
import type { Column, StoredEntry, StoredRow } from '../layouts/layout.js';
import { StoreError } from '../service/errors.js';
import { ROWS_PER_WRITE, type RowResult, type RowWrite } from '../service/requests.js';
import { AUTO, columnOf, type KeyPart, MAX, MIN, type StoredRecord, type Table } from '../service/values.js';
import type { EntryPosition, TimelineState } from '../timeline-state.js';
import type { LibraryBase } from './open.js';

/** How much older than the entry a row is before the search for its recovery tag ends: times may not follow the ids. */
const SEARCH_MARGIN_MS = 60_000;
/** The same if the writers' own clocks count, which may differ. */
const TRUSTED_CLOCK_MARGIN_MS = 600_000;
const ROWS_PER_SEARCH_PAGE = 1000;

/** An entry as it was read. */
export interface FoundEntry extends EntryPosition {
  readonly stored: StoredEntry;
  readonly recoveryTag: string | undefined;
  readonly isTrimmed: boolean;
  /** Trimmed or expired: readers do not get it. */
  readonly isRemoved: boolean;
}

/** Rows of one Timeline. */
export interface RowRange {
  /** Id to start at, inclusive. Default: the oldest row; backward, the newest. */
  readonly from?: bigint | undefined;
  /** Id to end at, exclusive. Default: no end. */
  readonly to?: bigint | undefined;
  /** Newest first. Default: oldest first. */
  readonly isBackward?: boolean | undefined;
  /** Rows of one page at most. */
  readonly limit?: number | undefined;
  /** `heads`: without bodies. Default: all columns. */
  readonly columns?: 'heads' | readonly string[] | undefined;
}

export interface RowPage {
  readonly rows: readonly StoredRecord[];
  /** The row to continue from; absent at the end of the range. */
  readonly next?: bigint | undefined;
}

export interface CheckedResults {
  readonly results: readonly RowResult[];
  /** False if the rows went into tables that were made again: nothing that is known of those holds. */
  readonly isSameEpoch: boolean;
}

interface BatchedWrite {
  readonly rows: readonly RowWrite[];
  readonly call: Call;
  readonly resolve: (results: CheckedResults) => void;
}

/** The table of entries: reads rows of one Timeline in either direction, and writes rows with an epoch check. */
export class EntryTable {
  readonly #base: LibraryBase;
  readonly table: Table;
  #batch: BatchedWrite[] = [];

  constructor(base: LibraryBase) {
    this.#base = base;
    this.table = base.tables.entries;
  }

  async page(timeline: TimelineState, range: RowRange, call: Call): Promise<RowPage> {
    const { requests, layout } = this.#base;
    const [start, end]: readonly [KeyPart, KeyPart] = range.isBackward ? [MAX, MIN] : [MIN, MAX];
    const from: readonly KeyPart[] = [...timeline.key, range.from ?? start];
    const to: readonly KeyPart[] = [...timeline.key, range.to ?? end];
    const columns = range.columns === 'heads' ? layout.headColumns : range.columns;
    const { rows, next } = await requests.range({ ...range, table: this.table, from, to, columns }, call);
    return { rows, next: next?.at(-1) as bigint | undefined };
  }

  /** Reads rows of several Timelines without bodies, in the order of `places`; `undefined` for a missing one. */
  rowsAt(
    places: readonly { readonly state: TimelineState; readonly rowId: bigint }[],
    call: Call,
  ): Promise<(StoredRecord | undefined)[]> {
    const { requests, layout } = this.#base;
    const keys = places.map(({ state, rowId }) => [...state.key, rowId]);
    return requests.get(this.table, keys, call, layout.headColumns);
  }

  /** Reads to the end of the range; `limit` applies to each page. */
  async *pages(timeline: TimelineState, range: RowRange, call: Call): AsyncGenerator<readonly StoredRecord[]> {
    let { from } = range;
    do {
      const page: RowPage = await this.page(timeline, { ...range, from }, call);
      yield page.rows;
      from = page.next;
    } while (from !== undefined);
  }

  /** The row that holds an entry, or in dense Timelines an earlier one if the entry does not exist. */
  async rowHolding(timeline: TimelineState, seqId: bigint, call: Call): Promise<StoredRecord | undefined> {
    const to = this.#base.isDense ? undefined : seqId - 1n;
    const { rows } = await this.page(timeline, { from: seqId, to, isBackward: true, limit: 1 }, call);
    return rows[0];
  }

  /**
   * Finds the row of a write with an unknown outcome: searches from the newest row back to rows that are surely older
   * than `at`, the time of the write. Resolves with its id, or with `undefined` if the row does not exist or cannot be
   * found.
   */
  async findByTag(timeline: TimelineState, recoveryTag: string, at: number, call: Call): Promise<bigint | undefined> {
    const { layout, clock } = this.#base;
    const column = layout.recoveryTagColumn;
    if (column === undefined || recoveryTag === '') return undefined;
    const surelyOlder = at - (clock.trustsNow ? TRUSTED_CLOCK_MARGIN_MS : SEARCH_MARGIN_MS);
    const range = { isBackward: true, columns: [column], limit: ROWS_PER_SEARCH_PAGE };
    for await (const rows of this.pages(timeline, range, call)) {
      for (const row of rows) {
        if (columnOf(row.columns, column) === recoveryTag) return rowIdOf(row);
        if (row.columns.every(({ version }) => version < surelyOlder)) return undefined;
      }
    }
    return undefined;
  }

  decode(record: StoredRecord): StoredRow {
    return this.#base.layout.decode(record.columns, rowIdOf(record));
  }

  /** The entries of a row, in order. */
  entriesOf(record: StoredRecord): FoundEntry[] {
    const { layout, clock, record: library } = this.#base;
    const rowId = rowIdOf(record);
    const { entries, at: storedAt, recoveryTag, trimmedThrough = 0n } = this.decode(record);
    if (recoveryTag !== undefined && !layout.shared) library.checkTag(recoveryTag);
    const at = clock.isFuture(storedAt) ? this.#correctTime(record, storedAt) : storedAt;
    const isExpired = at <= library.expiryCutoff();
    return entries.map((stored, i) => {
      const seqId = rowId + BigInt(i);
      const isTrimmed = seqId <= trimmedThrough;
      return { seqId, rowId, at, stored, recoveryTag, isTrimmed, isRemoved: isExpired || isTrimmed };
    });
  }

  /** Law Expiry: a time that a wrong clock put into the future would keep its entry, and all behind it, for ever. */
  #correctTime({ key }: StoredRecord, storedAt: number): number {
    const { clock, layout, deferred } = this.#base;
    const at = clock.expiryTime();
    const column = layout.timeColumn;
    deferred.add({
      table: this.table,
      key,
      type: 'UPDATE',
      put: [{ name: column, value: BigInt(at) }],
      expect: 'exists',
      condition: [{ column, is: 'EQUAL', value: BigInt(storedAt), passIfMissing: true }],
    });
    return at;
  }

  /** A row to put; `at`: the time of its entries. `AUTO`: the service chooses its id. */
  newRow(
    { key }: TimelineState,
    id: bigint | typeof AUTO,
    entries: readonly WriteEntry[],
    recoveryTag: string,
    at: number,
  ): RowWrite {
    const newEntries = entries.map(({ payload: { body, hash }, key }) => ({ body, key, hash }));
    const put = this.#base.layout.encode(newEntries, recoveryTag);
    const version = this.newCellVersion(at);
    const row = { table: this.table, key: [...key, id], type: 'PUT', put, version } as const;
    return id === AUTO ? { ...row, returnKey: true } : { ...row, expect: 'missing' };
  }

  /** Cell version of a new row. `undefined`, the service's time, unless only the caller's clock counts. */
  newCellVersion(at: number): number | undefined {
    return this.#base.clock.trustsNow ? at : undefined;
  }

  /**
   * A change of a row. Its cells have the version of the row, so that the TTL removes both together; a smaller one
   * would not be visible. In a shared table they have the service's: its deviation may be too narrow for an old row.
   */
  changedRow({ key, columns }: StoredRecord, put: readonly Column[]): RowWrite {
    const newest = columns.reduce((high, { version }) => Math.max(high, version), 0);
    const version = this.#base.layout.shared || columns.length === 0 ? undefined : newest;
    return { table: this.table, key, type: 'UPDATE', put, version, expect: 'exists' };
  }

  /**
   * Writes rows, and checks the epoch in the same request. If the tables were made again meanwhile, this resolves once
   * the record is read again. Never rejects: each row has its own result.
   */
  async write(rows: readonly RowWrite[], call: Call): Promise<CheckedResults> {
    const { requests, record, isDense } = this.#base;
    // Ids of the service depend on no earlier row: there the check is not worth a request of its own.
    const check = isDense || rows.length % ROWS_PER_WRITE !== 0 ? record.epochCheck() : undefined;
    const answers = await requests.write(check ? [...rows, check] : rows, call);
    const results = check ? answers.slice(0, -1) : answers;
    const isTableMissing = results.some((result) => !result.ok && result.error.failure === 'missing');
    if (isTableMissing) record.suspectReplacement();
    if (record.passesEpochCheck(check && answers.at(-1)) && !isTableMissing) return { results, isSameEpoch: true };
    try {
      await record.reload(call);
      return { results, isSameEpoch: false };
    } catch (cause) {
      const error = new StoreError('ambiguous', 'a table of the library was deleted meanwhile', cause);
      return { results: results.map((result) => (result.ok ? { ok: false, error } : result)), isSameEpoch: false };
    }
  }

  /**
   * Like {@link write}, with all rows that are written this way within one turn of the event loop in the same requests.
   */
  writeBatched(rows: readonly RowWrite[], call: Call): Promise<CheckedResults> {
    return new Promise((resolve) => {
      this.#batch.push({ rows, call, resolve });
      if (this.#batch.length === 1) setImmediate(() => void this.#writeBatch());
    });
  }

  /** Calls of one turn have almost the same deadline; the earliest counts for all. */
  async #writeBatch(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    const deadline = Math.min(...batch.map(({ call }) => call.deadline));
    const { results, isSameEpoch } = await this.write(
      batch.flatMap(({ rows }) => rows),
      { deadline },
    );
    let next = 0;
    for (const { rows, resolve } of batch) {
      resolve({ results: results.slice(next, next + rows.length), isSameEpoch });
      next += rows.length;
    }
  }
}

export function rowIdOf(record: StoredRecord): bigint {
  return record.key.at(-1) as bigint;
}
