/**
 * The part of better-sqlite3 that this adapter calls, declared here so that no version of its types is a dependency.
 * A `Database` of better-sqlite3 12 or 13 fits, and so does anything else that behaves like one.
 */
export interface BetterSqlite3Database {
  /** The path that was opened; `':memory:'` or `''` for a database without a file of its own. */
  readonly name: string;
  readonly open: boolean;
  readonly memory: boolean;
  readonly readonly: boolean;
  readonly inTransaction: boolean;
  prepare(source: string): SqliteStatement;
  exec(source: string): unknown;
  pragma(source: string, options?: { simple?: boolean }): unknown;
  close(): unknown;
}

export interface SqliteStatement {
  run(...parameters: unknown[]): { changes: number; lastInsertRowid: number | bigint };
  get(...parameters: unknown[]): unknown;
  all(...parameters: unknown[]): unknown[];
  /** Rows as arrays. */
  raw(toggle?: boolean): this;
  /** The first column alone. */
  pluck(toggle?: boolean): this;
  /** Integers as `bigint`: SeqIds may exceed 2^53. */
  safeIntegers(toggle?: boolean): this;
}

export interface DatabaseConstructor {
  new (path: string, options: { readonly?: boolean; fileMustExist?: boolean; timeout?: number }): BetterSqlite3Database;
}
