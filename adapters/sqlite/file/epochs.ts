import { randomUUID } from 'node:crypto';
import type { Position } from '../../../src/adapter.js';
import type { BetterSqlite3Database, SqliteStatement } from './client.js';

/** Timelines whose ancestors are remembered. */
const MOST = 50_000;

/** The file was made by `backupTimelines` and not opened for writing since. */
export function isBackup(database: BetterSqlite3Database): boolean {
  return database.prepare("SELECT 1 FROM timeline_meta WHERE key = 'backup'").pluck().get() === 1;
}

export function markBackup(database: BetterSqlite3Database): void {
  database.prepare("INSERT OR REPLACE INTO timeline_meta VALUES ('backup', ?)").run(new Date().toISOString());
}

/** The epoch that stood becomes an ancestor up to where each Timeline ends now. Inside a transaction. */
export function renewEpoch(database: BetterSqlite3Database): void {
  database.exec(
    `INSERT OR REPLACE INTO timeline_ancestors (timeline, epoch, seq)
     SELECT t.id, m.value, max(t.floor, coalesce((SELECT max(seq) FROM timeline_entries WHERE timeline = t.id), 0))
     FROM timeline_timelines t, timeline_meta m WHERE m.key = 'epoch'`,
  );
  database.prepare("UPDATE timeline_meta SET value = ? WHERE key = 'epoch'").run(randomUUID());
  database.exec("DELETE FROM timeline_meta WHERE key = 'backup'");
}

/** The epochs before the present one; they change only while nobody has the file open. */
export class Ancestors {
  readonly #find: SqliteStatement | undefined;
  readonly #known = new Map<number, readonly Position[]>();

  constructor(database: BetterSqlite3Database) {
    const exist = database.prepare('SELECT 1 FROM timeline_ancestors LIMIT 1').pluck().get() === 1;
    if (!exist) return;
    this.#find = database.prepare('SELECT epoch, seq FROM timeline_ancestors WHERE timeline = ?').raw().safeIntegers();
  }

  /** Inside a transaction. */
  of(timeline: number): readonly Position[] | undefined {
    if (!this.#find) return undefined;
    const known = this.#known.get(timeline);
    if (known) return known;
    const rows = this.#find.all(timeline) as [epoch: string, seq: bigint][];
    const ancestors = rows.map(([epoch, seqId]) => ({ epoch, seqId }));
    if (this.#known.size >= MOST) this.#known.clear();
    this.#known.set(timeline, ancestors);
    return ancestors;
  }
}
