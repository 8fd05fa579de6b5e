import type { Call } from '../../src/adapter.js';
import { jitter, pause } from '../../src/toolkit/index.js';
import type { BetterSqlite3Database, SqliteStatement } from './client.js';
import { Ancestors } from './epochs.js';
import type { FileIdentity } from './file-identity.js';
import { HeadMemory } from './heads.js';
import { busy, CommitFailure, isBusy, isRolledBack, toTimelineError } from './sqlite-errors.js';

/** SQLite waits with the event loop held, so it hardly may: {@link Connection} waits instead. */
export const NATIVE_TIMEOUT_MS = 2;

const LONGEST_LOCK_PAUSE_MS = 10;

/** Holds a write back while the write-ahead log is being shortened; `undefined`: go ahead. */
export type WriteGate = (deadline: number) => Promise<void> | undefined;

/**
 * One handle and all that its libraries share: transactions, the queue of writers, and what is remembered of heads.
 * Every transaction begins and ends within one turn of the event loop, so that no reader ever pins the log across an await.
 */
export class Connection {
  /** Set by the control of the write-ahead log, where there is one. */
  gate: WriteGate | undefined;
  /** Called after each write transaction. */
  onCommit: (() => void) | undefined;

  readonly ancestors: Ancestors;
  private queue: Promise<unknown> = Promise.resolve();
  private readonly heads = new Map<number, HeadMemory>();
  private version: unknown;
  private changes: unknown;
  private readonly begin: SqliteStatement;
  private readonly beginImmediate: SqliteStatement;
  private readonly commit: SqliteStatement;
  private readonly dataVersion: SqliteStatement;
  private readonly totalChanges: SqliteStatement;

  constructor(
    readonly database: BetterSqlite3Database,
    readonly epoch: string,
    /** SQLite waits for locks with the event loop held: on a handle of somebody else that is left out. */
    private readonly isOwned: boolean,
    /** Absent for a database without a file. */
    readonly file: FileIdentity | undefined,
  ) {
    this.ancestors = new Ancestors(database);
    this.begin = database.prepare('BEGIN');
    this.beginImmediate = database.prepare('BEGIN IMMEDIATE');
    this.commit = database.prepare('COMMIT');
    this.dataVersion = database.prepare('PRAGMA data_version').pluck();
    this.totalChanges = database.prepare('SELECT total_changes()').pluck();
  }

  /** Runs `task` after every earlier one has ended: writers of this handle take turns. */
  exclusive<T>(task: () => Promise<T>): Promise<T> {
    const result = this.queue.then(task);
    this.queue = result.catch(() => {});
    return result;
  }

  /** One write transaction in its turn. What `run` throws rolls it back. */
  write<T>({ deadline }: Call, run: () => T): Promise<T> {
    return this.exclusive(() => this.writeNow(deadline, run));
  }

  /** As {@link write}, for a task that has its turn already. */
  async writeNow<T>(deadline: number, run: () => T): Promise<T> {
    const held = this.gate?.(deadline);
    if (held) await held;
    const result = await retryWhileBusy(deadline, () => this.transaction(this.beginImmediate, run));
    this.file?.check('unknown');
    this.onCommit?.();
    return result;
  }

  /** One snapshot for all that `run` reads. */
  read<T>({ deadline }: Call, run: () => T): Promise<T> {
    return retryWhileBusy(deadline, () => this.transaction(this.begin, run));
  }

  /** The files were deleted, moved or replaced: every call fails from now on. */
  isGone(): boolean {
    return this.file?.isGone() === true;
  }

  headsOf(library: number): HeadMemory {
    const heads = this.heads.get(library) ?? new HeadMemory(this.database, library);
    this.heads.set(library, heads);
    return heads;
  }

  /** Changes whenever anyone, this handle included, has committed something. */
  fileVersion(): string {
    return `${this.dataVersion.get()}:${this.totalChanges.get()}`;
  }

  private transaction<T>(begin: SqliteStatement, run: () => T): T {
    this.file?.check();
    if (this.database.inTransaction)
      throw busy('the SQLite handle has a transaction of its own open: commit it or roll it back');
    return this.isOwned ? this.transact(begin, run) : withoutWaiting(this.database, () => this.transact(begin, run));
  }

  private transact<T>(begin: SqliteStatement, run: () => T): T {
    begin.run();
    let result: T;
    try {
      this.revalidate();
      result = run();
    } catch (error) {
      this.rollback();
      throw error;
    }
    try {
      this.commit.run();
    } catch (error) {
      this.rollback();
      throw isRolledBack(error) || begin === this.begin ? error : new CommitFailure(error);
    }
    this.changes = this.totalChanges.get();
    return result;
  }

  /** `data_version` tells of other connections, `total_changes()` of other users of this handle; own writes keep the memory right. */
  private revalidate(): void {
    const version = this.dataVersion.get();
    const changes = this.totalChanges.get();
    if (version === this.version && changes === this.changes) return;
    this.forgetHeads();
    this.version = version;
    this.changes = changes;
  }

  private rollback(): void {
    this.forgetHeads();
    if (this.database.inTransaction) this.database.exec('ROLLBACK');
  }

  private forgetHeads(): void {
    for (const heads of this.heads.values()) heads.clear();
  }
}

/** On a handle of somebody else, whose own timeout stays what it was. */
export function withoutWaiting<T>(database: BetterSqlite3Database, run: () => T): T {
  const timeout = database.pragma('busy_timeout', { simple: true });
  database.pragma(`busy_timeout = ${NATIVE_TIMEOUT_MS}`);
  try {
    return run();
  } finally {
    database.pragma(`busy_timeout = ${timeout}`);
  }
}

/** Repeats what meets a lock, without holding the event loop, until the deadline. Rejects with nothing but a TimelineError. */
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
