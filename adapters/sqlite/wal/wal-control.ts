import type { AdapterWarning } from '../../../src/adapter.js';
import { pause } from '../../../src/toolkit/index.js';
import type { SqliteStatement } from '../file/client.js';
import type { Connection } from '../file/connection.js';
import { busy } from '../file/sqlite-errors.js';
import { type Checkpointed, WalCheckpointer } from './wal-checkpointer.js';

const CHECKPOINT_PAGES = 1000;
/** Measuring the log takes a microsecond, so commits are followed by it at most this often. */
const MEASURE_MS = 1;
/**
 * Milliseconds that a RESTART waits for readers and for writers of other processes. Writes here wait for the RESTART.
 */
const RESTART_MS = 50;
const RETRY_MS = 20;
/** Pause after a checkpoint that failed, for example on a full disk. */
const FAILED_MS = 250;

const PINNED =
  'a reader keeps the write-ahead log of the SQLite database from being emptied, and it has reached walHardBytes';
const FAILING = 'the write-ahead log of the SQLite database cannot be copied into it, and has reached walHardBytes';

export interface WalLimits {
  readonly walSoftBytes: number;
  readonly walHardBytes: number;
}

/**
 * Keeps the write-ahead log short without holding the event loop. Passive checkpoints alone never rewind a busy log, as
 * each leaves a few newer frames. So beyond the soft limit the next write waits for a RESTART, which rewinds it. While
 * a reader pins the log, writes go on until the hard limit.
 */
export class WalControl {
  readonly #connection: Connection;
  readonly #path: string;
  readonly #warn: (warning: AdapterWarning) => void;
  readonly #checkpointer: WalCheckpointer;
  /**
   * Reports the frames in the log and those checkpointed. SQLite before 3.51 takes NOOP for PASSIVE: right too, but
   * slower.
   */
  readonly #report: SqliteStatement;
  readonly #softPages: number;
  readonly #hardPages: number;
  #pages = 0;
  #measuredAt = 0;
  #restartAbove: number;
  #checkpointing: Promise<void> | undefined;
  #restarting: Promise<void> | undefined;
  #isPinned = false;
  #failedAt = Number.NEGATIVE_INFINITY;
  /** Of the handle, given back to it by `close`. */
  readonly #autocheckpoint: number;

  /**
   * @param limits `sole`: nobody else writes with this handle. Otherwise SQLite itself checkpoints at the hard limit,
   *   as writes of others do not pass this gate.
   */
  constructor(
    connection: Connection,
    path: string,
    limits: WalLimits & { readonly sole: boolean },
    warn: (warning: AdapterWarning) => void,
  ) {
    this.#connection = connection;
    this.#path = path;
    this.#warn = warn;
    const { database } = connection;
    const pageSize = database.pragma('page_size', { simple: true }) as number;
    this.#softPages = limits.walSoftBytes / pageSize;
    this.#hardPages = limits.walHardBytes / pageSize;
    this.#restartAbove = this.#softPages;
    this.#checkpointer = new WalCheckpointer(database, path, warn);
    this.#report = database.prepare('PRAGMA wal_checkpoint(NOOP)').raw();
    this.#autocheckpoint = database.pragma('wal_autocheckpoint', { simple: true }) as number;
    database.pragma(`wal_autocheckpoint = ${limits.sole ? 0 : Math.ceil(this.#hardPages)}`);
    connection.gate = (deadline) =>
      this.#restarting || this.#pages > this.#hardPages ? this.#holdBack(deadline) : undefined;
    connection.onCommit = () => this.#measure();
  }

  /** Empties the log, so that closing the database has little left to copy, and ends the worker. */
  async close(deadline: number): Promise<void> {
    await waitUntil(deadline, Promise.all([this.#checkpointing, this.#restarting]));
    const { database } = this.#connection;
    if (database.open && !this.#connection.isGone() && (this.#readLog()?.pending ?? 0) > CHECKPOINT_PAGES / 10) {
      await waitUntil(deadline, this.#checkpointer.checkpoint('TRUNCATE', RESTART_MS));
    }
    await this.#checkpointer.end();
    if (database.open) database.pragma(`wal_autocheckpoint = ${this.#autocheckpoint}`);
  }

  #measure(): void {
    const now = performance.now();
    if (now - this.#measuredAt < MEASURE_MS) return;
    this.#measuredAt = now;
    const measured = this.#readLog();
    if (!measured) return;
    const { log, pending } = measured;
    this.#pages = pending === 0 ? 0 : log;
    if (this.#restarting || now - this.#failedAt < FAILED_MS) return;
    if (this.#pages > this.#restartAbove) this.#restarting = this.#restart();
    else if (!this.#checkpointing && pending >= CHECKPOINT_PAGES) this.#checkpointing = this.#checkpointPassively();
  }

  /** Never throws, as it runs behind a commit, which must not look as if it had failed. */
  #readLog(): { log: number; pending: number } | undefined {
    try {
      const [, log, checkpointed] = this.#report.get() as [busy: number, log: number, checkpointed: number];
      return { log, pending: log - checkpointed };
    } catch {
      return undefined;
    }
  }

  async #checkpointPassively(): Promise<void> {
    if (!(await this.#checkpointer.checkpoint('PASSIVE', 0))) this.#failedAt = performance.now();
    this.#checkpointing = undefined;
  }

  /** Rewinds the log. If readers pin it, the next attempt comes when it has grown by another soft limit. */
  async #restart(): Promise<void> {
    await this.#checkpointing;
    const answer = await this.#checkpointer.checkpoint('RESTART', RESTART_MS);
    if (answer) this.#noteRestart(answer);
    else this.#failedAt = performance.now();
    this.#restarting = undefined;
  }

  #noteRestart({ busy, log, checkpointed }: Checkpointed): void {
    this.#pages = busy ? log : 0;
    this.#restartAbove = this.#pages + this.#softPages;
    if (busy && !this.#isPinned && checkpointed < log) this.#warnPinned();
    this.#isPinned = busy;
  }

  async #holdBack(deadline: number): Promise<void> {
    if (this.#restarting) await waitUntil(deadline, this.#restarting);
    while (this.#pages > this.#hardPages) {
      this.#restarting ??= this.#restart();
      await waitUntil(deadline, this.#restarting);
      if (this.#pages <= this.#hardPages) return;
      if (performance.now() >= deadline) {
        throw busy(performance.now() - this.#failedAt < 2 * FAILED_MS ? FAILING : PINNED);
      }
      await pause(RETRY_MS);
    }
  }

  #warnPinned(): void {
    this.#warn({
      code: 'wal-pinned',
      message:
        `a long read transaction on ${this.#path} keeps its write-ahead log from being emptied: ` +
        'end it, or the log grows to walHardBytes and writes wait',
    });
  }
}

/** Waits for the work until the deadline: on a slow disk a checkpoint may take any time. */
async function waitUntil(deadline: number, work: Promise<unknown>): Promise<void> {
  const ended = new AbortController();
  await Promise.race([work, pause(deadline - performance.now(), { signal: ended.signal })]);
  ended.abort();
}
