import { randomUUID } from 'node:crypto';
import type { Position } from '../../../src/adapter.js';
import type { BetterSqlite3Database, SqliteStatement } from './client.js';

/** Timelines whose ancestors are cached. */
const MAX_CACHED = 50_000;

/** True for a file that `backupTimelines` made and nobody has opened for writing since. */
export function isBackup(database: BetterSqlite3Database): boolean {
  return database.prepare("SELECT 1 FROM timeline_meta WHERE key = 'backup'").pluck().get() === 1;
}

export function markBackup(database: BetterSqlite3Database): void {
  database.prepare("INSERT OR REPLACE INTO timeline_meta VALUES ('backup', ?)").run(new Date().toISOString());
}

/**
 * Begins a new epoch, and one for each Timeline that was ever dropped. The one before becomes an ancestor of each
 * Timeline, up to its last SeqId now. Call it inside a transaction.
 */
export function renewEpoch(database: BetterSqlite3Database): void {
  database.exec(
    `INSERT OR REPLACE INTO timeline_ancestors (timeline, epoch, seq)
     SELECT t.id, coalesce(t.epoch, m.value),
       max(t.floor, coalesce((SELECT max(seq) FROM timeline_entries WHERE timeline = t.id), 0))
     FROM timeline_timelines t, timeline_meta m WHERE m.key = 'epoch'`,
  );
  database.exec('UPDATE timeline_timelines SET epoch = lower(hex(randomblob(16))) WHERE epoch IS NOT NULL');
  database.prepare("UPDATE timeline_meta SET value = ? WHERE key = 'epoch'").run(randomUUID());
  database.exec("DELETE FROM timeline_meta WHERE key = 'backup'");
}

/** The epochs before the present one. They change only while nobody has the file open. */
export class Ancestors {
  readonly #find: SqliteStatement | undefined;
  readonly #cached = new Map<number, readonly Position[]>();

  constructor(database: BetterSqlite3Database) {
    const exist = database.prepare('SELECT 1 FROM timeline_ancestors LIMIT 1').pluck().get() === 1;
    if (!exist) return;
    this.#find = database.prepare('SELECT epoch, seq FROM timeline_ancestors WHERE timeline = ?').raw().safeIntegers();
  }

  /** Call it inside a transaction. */
  of(timeline: number): readonly Position[] | undefined {
    if (!this.#find) return undefined;
    const cached = this.#cached.get(timeline);
    if (cached) return cached;
    const rows = this.#find.all(timeline) as [epoch: string, seq: bigint][];
    const ancestors = rows.map(([epoch, seqId]) => ({ epoch, seqId }));
    if (this.#cached.size >= MAX_CACHED) this.#cached.clear();
    this.#cached.set(timeline, ancestors);
    return ancestors;
  }
}
