import type { AdapterWarning } from '../../../src/adapter.js';
import type { BetterSqlite3Database } from '../file/client.js';
import { DatabaseWorker, WorkerSqliteError } from '../file/database-worker.js';
import { messageOf } from '../file/sqlite-errors.js';

/** A worker that died is started again no sooner. */
const RESTART_MS = 60_000;

/** In frames of the log. `busy`: not all could be done. */
export interface Checkpointed {
  readonly busy: boolean;
  readonly log: number;
  readonly checkpointed: number;
}

export type CheckpointMode = 'PASSIVE' | 'RESTART' | 'TRUNCATE';

/**
 * Checkpoints on a worker thread, started at the first request; while there is none, on the handle itself, which holds the
 * event loop. One request at a time.
 */
export class Checkpointer {
  readonly #database: BetterSqlite3Database;
  readonly #path: string;
  readonly #warn: (warning: AdapterWarning) => void;
  #worker: DatabaseWorker | undefined;
  #diedAt = Number.NEGATIVE_INFINITY;
  #hasWarned = false;
  #isFailing = false;

  constructor(database: BetterSqlite3Database, path: string, warn: (warning: AdapterWarning) => void) {
    this.#database = database;
    this.#path = path;
    this.#warn = warn;
  }

  /** `undefined`: it failed, which a later request may not. */
  async ask(mode: CheckpointMode, timeoutMs: number): Promise<Checkpointed | undefined> {
    try {
      const rows = (await this.#onWorker(mode, timeoutMs)) ?? this.#onHandle(mode);
      const [busy, log, checkpointed] = (rows[0] as unknown[]).map(Number) as [number, number, number];
      this.#isFailing = false;
      return { busy: busy !== 0, log, checkpointed };
    } catch (error) {
      this.#tellFailing(error);
      return undefined;
    }
  }

  async end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.end();
  }

  /** `undefined`: there is no worker. */
  async #onWorker(mode: CheckpointMode, timeoutMs: number): Promise<unknown[] | undefined> {
    if (performance.now() - this.#diedAt < RESTART_MS) return undefined;
    try {
      this.#worker ??= new DatabaseWorker(this.#path, { fileMustExist: true }, this.#database);
      await this.#worker.exec(`PRAGMA busy_timeout = ${timeoutMs}`);
      return await this.#worker.all(`PRAGMA wal_checkpoint(${mode})`);
    } catch (error) {
      if (error instanceof WorkerSqliteError) throw error;
      this.#diedAt = performance.now();
      this.#worker = undefined;
      this.#tellDied(error);
      return undefined;
    }
  }

  /** Without waiting for anyone: the owner's timeout would hold the event loop. */
  #onHandle(mode: CheckpointMode): unknown[] {
    const timeout = this.#database.pragma('busy_timeout', { simple: true });
    this.#database.pragma('busy_timeout = 0');
    try {
      return this.#database.prepare(`PRAGMA wal_checkpoint(${mode})`).raw().all();
    } finally {
      this.#database.pragma(`busy_timeout = ${timeout}`);
    }
  }

  #tellDied(error: unknown): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#warn({
      code: 'checkpoint-worker',
      message: `the checkpoint worker does not run (${messageOf(error)}): checkpoints hold the event loop instead, 30 ms or more at a time`,
    });
  }

  #tellFailing(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    const message = `the write-ahead log of ${this.#path} cannot be copied into it (${messageOf(error)}), and grows: at walHardBytes writes wait`;
    this.#warn({ code: 'checkpoint-failed', message });
  }
}
