import type { Body } from '../../../src/adapter.js';

/** A column value: STRING, INTEGER, DOUBLE, BOOLEAN or BINARY. Integers are `bigint`; a `number` is a DOUBLE. */
export type Cell = string | bigint | number | boolean | Uint8Array;

/** An attribute column of a row. Its name is ASCII and never `timestamp`: the SDK writes other names wrongly. */
export interface Column {
  readonly name: string;
  readonly value: Cell;
}

/** A column as read, with the version of its cell in milliseconds since 1970. */
export interface StoredColumn extends Column {
  readonly version: number;
}

/** A primary key column. */
export interface KeyColumn {
  /** 1 to 255 ASCII characters, not `timestamp`, without a leading `#`. */
  readonly name: string;
  /** Type of the column. INTEGER holds 64 bits. */
  readonly type: 'STRING' | 'INTEGER';
}

/** An entry to write. */
export interface NewEntry {
  readonly body: Body;
  readonly key?: string | undefined;
  /** Digest of the body; present with a key. */
  readonly hash?: string | undefined;
}

/** An entry of a row; its index in the row gives its id. */
export interface StoredEntry {
  /** `undefined`: a tombstone. */
  readonly body: Body | undefined;
  readonly key?: string | undefined;
  readonly hash?: string | undefined;
  /** 0, then one more for each update or deletion. */
  readonly revision: number;
}

export interface StoredRow {
  /** Consecutive ids, beginning at the row's. Without bodies if only {@link Layout.headColumns} were read. */
  readonly entries: readonly StoredEntry[];
  /** Time of the entries in milliseconds since 1970. */
  readonly at: number;
  readonly recoveryTag?: string | undefined;
  /** Updates and deletions of the row since it was written. */
  readonly changeCount: number;
  /** Entries of the row up to this id are trimmed. */
  readonly trimmedThrough?: bigint | undefined;
}

/** The columns that an update or a deletion writes and removes. */
export interface RowChange {
  readonly put: readonly Column[];
  readonly remove: readonly string[];
}

/**
 * Maps entries to the columns of a table. `native` is the adapter's own layout; the others share tables with versions
 * of the Java library. Its functions throw a `TimelineError` for anything they cannot write or read.
 */
export interface Layout {
  /** Stored in the library's record: a table is opened only with the layout that created it. */
  readonly name: string;
  /**
   * Another program uses the table too. So it has the library's name and exact TTL, perhaps a narrow version deviation;
   * each row holds one entry, which `cas` cannot do with; and Timelines cannot be listed, as that program may add some.
   */
  readonly shared: boolean;
  /** One column for each part of the Timeline id. Absent: one STRING column, `timeline`, with the encoded id. */
  readonly keyColumns?: readonly KeyColumn[] | undefined;
  /** The last key column, of type INTEGER. */
  readonly sequenceColumn: string;
  /** STRING column of the recovery tag. Absent: unknown outcomes stay unknown, and there are no idempotency keys. */
  readonly recoveryTagColumn?: string | undefined;
  /** INTEGER column of the row's time, if the versions of its cells do not tell it. A fresh row lacks it. */
  readonly timeColumn: string;
  /** INTEGER column of {@link StoredRow.trimmedThrough}. */
  readonly trimColumn: string;
  /** INTEGER column of {@link StoredRow.changeCount}; a row that was never changed may lack it. */
  readonly changeCountColumn: string;
  /** STRING column of the tags of the last changes. Absent in tables that another program reads. */
  readonly changeTagsColumn?: string | undefined;
  /** The columns of a row's ids, times, keys and recovery tag, without its bodies. Absent: all columns are read. */
  readonly headColumns?: readonly string[] | undefined;
  /** Bytes of one body at most. */
  readonly maxBodyBytes: number;

  /**
   * Finds the row of a write after an unknown outcome: by the token of the write, unless the column has a meaning of
   * its own. `''`: the row cannot be found again.
   */
  recoveryTagOf(token: string, key: string | undefined): string;
  encode(entries: readonly NewEntry[], recoveryTag: string): readonly Column[];
  /** `rowId` is for the message of an error. */
  decode(columns: readonly StoredColumn[], rowId: bigint): StoredRow;
  /** Replaces the body of one entry of a decoded row; `undefined` leaves a tombstone. */
  change(row: StoredRow, index: number, body: Body | undefined): RowChange;
}
