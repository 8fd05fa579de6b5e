import type { AdapterWarning } from '../../../src/adapter.js';
import type { BetterSqlite3Database } from '../file/client.js';
import { DatabaseWorker, WorkerSqliteError } from '../file/database-worker.js';
import { messageOf } from '../file/sqlite-errors.js';

/** Milliseconds until a worker that died is started again. */
const RESTART_MS = 60_000;

/** The answer to a checkpoint, in frames of the log. */
export interface Checkpointed {
  /** Readers or writers kept the checkpoint from completing. */
  readonly busy: boolean;
  readonly log: number;
  readonly checkpointed: number;
}

export type CheckpointMode = 'PASSIVE' | 'RESTART' | 'TRUNCATE';

/**
 * Runs checkpoints on a worker thread, which starts with the first one. Where no thread can be started they run on the
 * handle itself, and hold the event loop. One at a time.
 */
export class WalCheckpointer {
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

  /** Runs one checkpoint. Resolves with `undefined` if it failed; a later one may not. */
  async checkpoint(mode: CheckpointMode, timeoutMs: number): Promise<Checkpointed | undefined> {
    try {
      const rows = (await this.#onWorker(mode, timeoutMs)) ?? this.#onHandle(mode);
      const [busy, log, checkpointed] = (rows[0] as unknown[]).map(Number) as [number, number, number];
      this.#isFailing = false;
      return { busy: busy !== 0, log, checkpointed };
    } catch (error) {
      this.#warnFailing(error);
      return undefined;
    }
  }

  async end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.end();
  }

  /** Resolves with `undefined` if the worker does not run. */
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
      this.#warnDied(error);
      return undefined;
    }
  }

  /** Waits for no lock: the owner's busy timeout would hold the event loop. */
  #onHandle(mode: CheckpointMode): unknown[] {
    const timeout = this.#database.pragma('busy_timeout', { simple: true });
    this.#database.pragma('busy_timeout = 0');
    try {
      return this.#database.prepare(`PRAGMA wal_checkpoint(${mode})`).raw().all();
    } finally {
      this.#database.pragma(`busy_timeout = ${timeout}`);
    }
  }

  #warnDied(error: unknown): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#warn({
      code: 'checkpoint-worker',
      message:
        `the checkpoint worker does not run (${messageOf(error)}): ` +
        'checkpoints hold the event loop instead, 30 ms or more at a time',
    });
  }

  #warnFailing(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    const message =
      `the write-ahead log of ${this.#path} cannot be copied into it (${messageOf(error)}), and grows: ` +
      'at walHardBytes writes wait';
    this.#warn({ code: 'checkpoint-failed', message });
  }
}
