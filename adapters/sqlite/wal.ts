import type { AdapterWarning } from '../../src/adapter.js';
import { pause } from '../../src/toolkit/index.js';
import { type Checkpointed, Checkpointer } from './checkpointer.js';
import type { SqliteStatement } from './client.js';
import type { Connection } from './connection.js';
import { busy } from './sqlite-errors.js';

const CHECKPOINT_PAGES = 1000;
/** Looking at the log takes a microsecond, so a commit is followed by a look at most this often. */
const LOOK_MS = 1;
/** How long a RESTART may wait for readers and for writers of other processes, while writes here are held back. */
const RESTART_MS = 50;
const RETRY_MS = 20;
/** Pause after a checkpoint that failed, as one does on a full disk. */
const FAILED_MS = 250;

const PINNED =
  'a reader keeps the write-ahead log of the SQLite database from being emptied, and it has reached walHardBytes';
const FAILING = 'the write-ahead log of the SQLite database cannot be copied into it, and has reached walHardBytes';

export interface WalLimits {
  readonly walSoftBytes: number;
  readonly walHardBytes: number;
}

/**
 * Keeps the write-ahead log short without holding the event loop. Passive checkpoints alone never make a busy log start
 * again from its beginning, as each leaves a few newer frames; so beyond the soft limit the next write waits until a
 * RESTART has caught up. Readers may pin the log beyond that; then writes go on until the hard limit.
 */
export class WalControl {
  private readonly checkpointer: Checkpointer;
  /** Reports frames in the log and checkpointed, and does nothing else. SQLite before 3.51 takes it for PASSIVE, which is right too, only slower. */
  private readonly report: SqliteStatement;
  private readonly softPages: number;
  private readonly hardPages: number;
  private pages = 0;
  private lookedAt = 0;
  private restartAbove: number;
  private asking: Promise<void> | undefined;
  private holding: Promise<void> | undefined;
  private pinned = false;
  private failedAt = Number.NEGATIVE_INFINITY;
  /** What the handle did before: it does so again when this ends. */
  private readonly automatic: number;

  /** `sole`: all writes of the handle come by here. Others may not be looked after, so SQLite itself stays as their last resort. */
  constructor(
    private readonly connection: Connection,
    private readonly path: string,
    limits: WalLimits & { readonly sole: boolean },
    private readonly warn: (warning: AdapterWarning) => void,
  ) {
    const { database } = connection;
    const pageSize = database.pragma('page_size', { simple: true }) as number;
    this.softPages = limits.walSoftBytes / pageSize;
    this.hardPages = limits.walHardBytes / pageSize;
    this.restartAbove = this.softPages;
    this.checkpointer = new Checkpointer(database, path, warn);
    this.report = database.prepare('PRAGMA wal_checkpoint(NOOP)').raw();
    this.automatic = database.pragma('wal_autocheckpoint', { simple: true }) as number;
    database.pragma(`wal_autocheckpoint = ${limits.sole ? 0 : Math.ceil(this.hardPages)}`);
    connection.gate = (deadline) => (this.holding || this.pages > this.hardPages ? this.hold(deadline) : undefined);
    connection.onCommit = () => this.look();
  }

  /** Empties the log, so that closing the database has little left to copy, and ends the worker. */
  async close(deadline: number): Promise<void> {
    await by(deadline, Promise.all([this.asking, this.holding]));
    const { database } = this.connection;
    if (database.open && !this.connection.isGone() && (this.readLog()?.pending ?? 0) > CHECKPOINT_PAGES / 10) {
      await by(deadline, this.checkpointer.ask('TRUNCATE', RESTART_MS));
    }
    await this.checkpointer.end();
    if (database.open) database.pragma(`wal_autocheckpoint = ${this.automatic}`);
  }

  private look(): void {
    const now = performance.now();
    if (now - this.lookedAt < LOOK_MS) return;
    this.lookedAt = now;
    const found = this.readLog();
    if (!found) return;
    const { log, pending } = found;
    this.pages = pending === 0 ? 0 : log;
    if (this.holding || now - this.failedAt < FAILED_MS) return;
    if (this.pages > this.restartAbove) this.holding = this.restart();
    else if (!this.asking && pending >= CHECKPOINT_PAGES) this.asking = this.checkpoint();
  }

  /** A commit that stands must not look as if it had failed: what cannot be read is left to the next look. */
  private readLog(): { log: number; pending: number } | undefined {
    try {
      const [, log, checkpointed] = this.report.get() as [busy: number, log: number, checkpointed: number];
      return { log, pending: log - checkpointed };
    } catch {
      return undefined;
    }
  }

  private async checkpoint(): Promise<void> {
    if (!(await this.checkpointer.ask('PASSIVE', 0))) this.failedAt = performance.now();
    this.asking = undefined;
  }

  /** What readers pin is tried again once the log has grown by another soft limit. */
  private async restart(): Promise<void> {
    await this.asking;
    const reply = await this.checkpointer.ask('RESTART', RESTART_MS);
    if (reply) this.settle(reply);
    else this.failedAt = performance.now();
    this.holding = undefined;
  }

  private settle({ busy, log, checkpointed }: Checkpointed): void {
    this.pages = busy ? log : 0;
    this.restartAbove = this.pages + this.softPages;
    if (busy && !this.pinned && checkpointed < log) this.warnPinned();
    this.pinned = busy;
  }

  private async hold(deadline: number): Promise<void> {
    if (this.holding) await by(deadline, this.holding);
    while (this.pages > this.hardPages) {
      this.holding ??= this.restart();
      await by(deadline, this.holding);
      if (this.pages <= this.hardPages) return;
      if (performance.now() >= deadline) {
        throw busy(performance.now() - this.failedAt < 2 * FAILED_MS ? FAILING : PINNED);
      }
      await pause(RETRY_MS);
    }
  }

  private warnPinned(): void {
    this.warn({
      code: 'wal-pinned',
      message: `a long read transaction on ${this.path} keeps its write-ahead log from being emptied: end it, or the log grows to walHardBytes and writes wait`,
    });
  }
}

/** Waits for it, but not beyond the deadline: a slow disk makes a checkpoint take as long as it likes. */
async function by(deadline: number, work: Promise<unknown>): Promise<void> {
  const ended = new AbortController();
  await Promise.race([work, pause(deadline - performance.now(), { signal: ended.signal })]);
  ended.abort();
}
