import type { Call } from '../../../src/adapter.js';
import { jitter, pause } from '../../../src/toolkit/index.js';
import { HeadCache } from '../heads.js';
import type { BetterSqlite3Database, SqliteStatement } from './client.js';
import { Ancestors } from './epochs.js';
import type { FileIdentity } from './file-identity.js';
import { busy, CommitFailure, isBusy, isRolledBack, toTimelineError } from './sqlite-errors.js';

/** SQLite holds the event loop while it waits for a lock: it may do so this long, then {@link retryWhileBusy} waits. */
export const NATIVE_TIMEOUT_MS = 2;

const LONGEST_LOCK_PAUSE_MS = 10;

/** Resolves when the next write may begin, as the write-ahead log has been shortened. `undefined`: at once. */
export type WriteGate = (deadline: number) => Promise<void> | undefined;

/**
 * One handle, shared by its libraries: transactions, the queue of writers, cached heads. Every transaction begins and
 * ends within one turn of the event loop: no reader pins the log across an `await`.
 */
export class Connection {
  readonly database: BetterSqlite3Database;
  readonly epoch: string;
  /** `false`: the handle belongs to the caller, whose busy timeout must not hold the event loop here. */
  readonly #isOwned: boolean;
  /** `undefined` for a database without a file. */
  readonly file: FileIdentity | undefined;
  /** Set by `WalControl`. */
  gate: WriteGate | undefined;
  /** Set by `WalControl`, called after each write transaction. */
  onCommit: (() => void) | undefined;

  readonly ancestors: Ancestors;
  #queue: Promise<unknown> = Promise.resolve();
  readonly #heads = new Map<number, HeadCache>();
  #version: unknown;
  #changes: unknown;
  /** Changes of this connection's own transactions, among those that the handle counts. */
  #ownChanges = 0;
  readonly #begin: SqliteStatement;
  readonly #beginImmediate: SqliteStatement;
  readonly #commit: SqliteStatement;
  readonly #dataVersion: SqliteStatement;
  readonly #totalChanges: SqliteStatement;

  constructor(database: BetterSqlite3Database, epoch: string, isOwned: boolean, file: FileIdentity | undefined) {
    this.database = database;
    this.epoch = epoch;
    this.#isOwned = isOwned;
    this.file = file;
    this.ancestors = new Ancestors(database);
    this.#begin = database.prepare('BEGIN');
    this.#beginImmediate = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
    this.#dataVersion = database.prepare('PRAGMA data_version').pluck();
    this.#totalChanges = database.prepare('SELECT total_changes()').pluck();
  }

  /** Runs `task` after every earlier one has ended: writers of this handle take turns. */
  exclusive<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(task);
    this.#queue = result.catch(() => {});
    return result;
  }

  /** Runs a write transaction in its turn. Rolls it back if `run` throws. */
  write<T>({ deadline }: Call, run: () => T): Promise<T> {
    return this.exclusive(() => this.writeNow(deadline, run));
  }

  /** Runs a write transaction now, within a task of {@link exclusive}. */
  async writeNow<T>(deadline: number, run: () => T): Promise<T> {
    const opening = this.gate?.(deadline);
    if (opening) await opening;
    const result = await retryWhileBusy(deadline, () => this.#transaction(this.#beginImmediate, run));
    this.file?.check('unknown');
    this.onCommit?.();
    return result;
  }

  /** Runs `run` on one snapshot. */
  read<T>({ deadline }: Call, run: () => T): Promise<T> {
    return retryWhileBusy(deadline, () => this.#transaction(this.#begin, run));
  }

  /** True once the files were deleted, moved or replaced: every call fails from then on. */
  isGone(): boolean {
    return this.file?.isGone() === true;
  }

  headsOf(library: number): HeadCache {
    const heads = this.#heads.get(library) ?? new HeadCache(this.database, library);
    this.#heads.set(library, heads);
    return heads;
  }

  /** Changes with every commit of any process, and of this handle. */
  fileVersion(): string {
    return `${this.#dataVersion.get()}:${this.#totalChanges.get()}`;
  }

  /** Changes with every commit of other processes, and of other users of this handle. */
  foreignVersion(): string {
    return `${this.#dataVersion.get()}:${Number(this.#totalChanges.get()) - this.#ownChanges}`;
  }

  #transaction<T>(begin: SqliteStatement, run: () => T): T {
    this.file?.check();
    if (this.database.inTransaction)
      throw busy('the SQLite handle has a transaction of its own open: commit it or roll it back');
    return this.#isOwned ? this.#transact(begin, run) : withoutWaiting(this.database, () => this.#transact(begin, run));
  }

  #transact<T>(begin: SqliteStatement, run: () => T): T {
    begin.run();
    let result: T;
    try {
      this.#dropStaleHeads();
      result = run();
    } catch (error) {
      this.#rollback();
      throw error;
    }
    try {
      this.#commit.run();
    } catch (error) {
      this.#rollback();
      throw isRolledBack(error) || begin === this.#begin ? error : new CommitFailure(error);
    }
    const changes = this.#totalChanges.get();
    this.#ownChanges += Number(changes) - Number(this.#changes);
    this.#changes = changes;
    return result;
  }

  /**
   * Clears cached heads after foreign commits: `data_version` counts those of other connections, `total_changes()`
   * those of other users of this handle.
   */
  #dropStaleHeads(): void {
    const version = this.#dataVersion.get();
    const changes = this.#totalChanges.get();
    if (version === this.#version && changes === this.#changes) return;
    this.#clearHeads();
    this.#version = version;
    this.#changes = changes;
  }

  #rollback(): void {
    this.#clearHeads();
    if (this.database.inTransaction) this.database.exec('ROLLBACK');
  }

  #clearHeads(): void {
    for (const heads of this.#heads.values()) heads.clear();
  }
}

/** Runs `run` with {@link NATIVE_TIMEOUT_MS}, then gives a handle of the caller its own busy timeout back. */
export function withoutWaiting<T>(database: BetterSqlite3Database, run: () => T): T {
  const timeout = database.pragma('busy_timeout', { simple: true });
  database.pragma(`busy_timeout = ${NATIVE_TIMEOUT_MS}`);
  try {
    return run();
  } finally {
    database.pragma(`busy_timeout = ${timeout}`);
  }
}

/**
 * Repeats `attempt` while the database is locked, until the deadline, without holding the event loop. Rejects with
 * nothing but a `TimelineError`.
 */
export async function retryWhileBusy<T>(deadline: number, attempt: () => T): Promise<T> {
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw toTimelineError(error);
    }
    await pause(jitter(LONGEST_LOCK_PAUSE_MS, 0.9));
  }
}
