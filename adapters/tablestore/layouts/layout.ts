import type { Body } from '../../../src/adapter.js';

/** A column's value: STRING, INTEGER, DOUBLE, BOOLEAN or BINARY. Integers are `bigint`, because a `number` is a DOUBLE. */
export type Cell = string | bigint | number | boolean | Uint8Array;

/** An attribute column of a row. Names are ASCII and never `timestamp`: the SDK writes others wrongly. */
export interface Column {
  readonly name: string;
  readonly value: Cell;
}

/** A column as it was read, with its version: milliseconds since 1970. */
export interface StoredColumn extends Column {
  readonly version: number;
}

export interface KeyColumn {
  readonly name: string;
  readonly type: 'STRING' | 'INTEGER';
}

/** An entry on its way into a row. */
export interface NewEntry {
  readonly body: Body;
  readonly key?: string | undefined;
  /** Digest of the body, where there is a key. */
  readonly hash?: string | undefined;
}

/** An entry as a row keeps it; in its row it is known by its place. */
export interface StoredEntry {
  /** `undefined`: a tombstone. */
  readonly body: Body | undefined;
  readonly key?: string | undefined;
  readonly hash?: string | undefined;
  /** 0, then one more for each update or deletion. */
  readonly revision: number;
}

export interface NewRow {
  /** One, unless the layout packs. */
  readonly entries: readonly NewEntry[];
  /** Unique for each write: by it a row whose write had an unknown outcome is found again. `''`: {@link Layout.tokenOf} gave none. */
  readonly token: string;
}

export interface StoredRow {
  /** Of consecutive ids, the row's own first. Empty bodies where only {@link Layout.headColumns} were read. */
  readonly entries: readonly StoredEntry[];
  readonly at: number;
  readonly token?: string | undefined;
  /** How often the row was changed since it was written. */
  readonly version: number;
  /** Entries of the row up to this id were trimmed. */
  readonly trimmedThrough?: bigint | undefined;
}

/** What an update or a deletion does to a row. */
export interface RowChange {
  readonly put: readonly Column[];
  readonly remove: readonly string[];
}

/**
 * How entries lie in a table: the names and types of its columns, and nothing else. The native one is the adapter's own; others
 * let it share tables with other libraries. Functions throw a `TimelineError` for what they cannot write or read.
 */
export interface Layout {
  /** Kept in the library's record: a table is opened only with the layout that it was made with. */
  readonly name: string;
  /** Of the Timeline id's parts, one column each; absent: one STRING column with the encoded id, named by `idColumn`. */
  readonly keyColumns?: readonly KeyColumn[] | undefined;
  /** Default `'timeline'`. */
  readonly idColumn?: string | undefined;
  /** The last key column, of type INTEGER. */
  readonly sequenceColumn: string;
  /** Rows may hold several entries, which `cas` needs. */
  readonly packs: boolean;
  /** Holds {@link NewRow.token} in a STRING column. Absent: unknown outcomes stay unknown, and there are no keys. */
  readonly tokenColumn?: string | undefined;
  /**
   * The token of a row whose entry has this key, where the column has a meaning of its own: the key, say, which is then what the row
   * is found by. `''`: the row has none, and its unknown outcome stays unknown. Absent: the adapter makes one up.
   */
  tokenOf?(key: string | undefined): string;
  /** An INTEGER column with the time of the row, where the versions of its cells do not tell it; fresh rows have none. */
  readonly timeColumn: string;
  /** Holds {@link StoredRow.trimmedThrough} in an INTEGER column. Absent: no `trim`. */
  readonly trimColumn?: string | undefined;
  /**
   * Holds {@link StoredRow.version} in an INTEGER column, which a row that was never changed may lack. Absent: an update is not
   * conditional, and there is no `ifRevision`.
   */
  readonly versionColumn?: string | undefined;
  /**
   * The table is another program's as well: it has the library's own name and exactly the TTL, and it may have been made with a
   * narrow version deviation.
   */
  readonly shared?: boolean | undefined;
  /** Enough for ids, times, keys and tokens of a row, without its bodies. Absent: all columns are read. */
  readonly headColumns?: readonly string[] | undefined;
  readonly update: boolean;
  readonly delete: boolean;
  /** Whether Timelines may be listed: not if another program adds some, which the adapter does not hear of. */
  readonly timelines: boolean;
  /** Bytes of one body at most. */
  readonly maxBodyBytes: number;

  encode(row: NewRow): readonly Column[];
  /** `seqId`, the row's own, is for what is said of a row that cannot be decoded. */
  decode(columns: readonly StoredColumn[], seqId: bigint): StoredRow;
  /** The row with another body at one place, `undefined` for a tombstone; `row` is what `decode` made of it. */
  change?(row: StoredRow, place: number, body: Body | undefined): RowChange;
}
