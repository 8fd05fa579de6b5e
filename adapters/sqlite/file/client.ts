/**
 * The part of better-sqlite3 that this adapter calls, declared here so that no version of its types is a dependency.
 * A `Database` of better-sqlite3 12 or 13 fits, and so does anything else that behaves like one.
 */
export interface BetterSqlite3Database {
  /** The path that was opened; `':memory:'` or `''` for a database without a file of its own. */
  readonly name: string;
  /** False once the database is closed. */
  readonly open: boolean;
  /** True if the database has no file on disk. */
  readonly memory: boolean;
  /** True if the database was opened for reading only. */
  readonly readonly: boolean;
  /** True between `BEGIN` and its `COMMIT` or `ROLLBACK`. */
  readonly inTransaction: boolean;
  /** Compiles one SQL statement. */
  prepare(source: string): SqliteStatement;
  /** Runs any number of SQL statements. Discards their rows. */
  exec(source: string): unknown;
  /** Runs a PRAGMA and returns its rows; with `simple`, the first column of the first row. */
  pragma(source: string, options?: { simple?: boolean }): unknown;
  /** Closes the database. */
  close(): unknown;
}

/** A compiled SQL statement of {@link BetterSqlite3Database}. */
export interface SqliteStatement {
  /** Runs a statement that returns no rows. `changes` counts the rows that it changed. */
  run(...parameters: unknown[]): { changes: number; lastInsertRowid: number | bigint };
  /** Returns the first row, or `undefined` if there is none. */
  get(...parameters: unknown[]): unknown;
  /** Returns all rows. */
  all(...parameters: unknown[]): unknown[];
  /** Makes rows arrays instead of objects. */
  raw(toggle?: boolean): this;
  /** Makes each row the value of its first column. */
  pluck(toggle?: boolean): this;
  /** Makes integers `bigint`: SeqIds may exceed 2^53. */
  safeIntegers(toggle?: boolean): this;
}

export interface DatabaseConstructor {
  new (path: string, options: { readonly?: boolean; fileMustExist?: boolean; timeout?: number }): BetterSqlite3Database;
}
