import { rmSync } from 'node:fs';
import { TimelineError } from '../../../src/errors.js';
import type { BetterSqlite3Database, DatabaseConstructor } from '../file/client.js';
import { fileId, filesOpenIn, processesWith } from '../file/open-files.js';
import { busy, isBusy, messageOf, sqliteCode, toTimelineError } from '../file/sqlite-errors.js';
import { SIDE_FILES } from './files.js';

/** The right to replace a database: nobody else has it open, and nobody can read it until this ends. */
export interface Possession {
  /** Where a file that is open cannot be replaced, it is closed now. */
  beforeReplacing(): void;
  /** The file is another now. */
  end(): void;
  /** The file stays. */
  giveBack(): void;
}

/** `TIMELINE_BUSY` while anyone has the database open. A missing one is made, empty, so that only one can take it. */
export function takePossession(Database: DatabaseConstructor, path: string): Possession {
  const isNew = fileId(path) === undefined;
  refuseOpen(path, { own: true });
  const database = lock(Database, path);
  const end = () => void database?.close();
  const giveBack = () => {
    end();
    if (isNew) rmSync(path, { force: true });
  };
  try {
    // Whoever has opened it since waits for the lock, and would go on with the old file.
    refuseOpen(path, { own: false });
  } catch (error) {
    giveBack();
    throw error;
  }
  return { beforeReplacing: process.platform === 'win32' ? end : () => {}, end, giveBack };
}

/** Undefined for a file that SQLite cannot read, which it cannot lock either. */
function lock(Database: DatabaseConstructor, path: string): BetterSqlite3Database | undefined {
  let database: BetterSqlite3Database | undefined;
  try {
    database = new Database(path, { timeout: 0 });
    database.pragma('locking_mode = EXCLUSIVE');
    database.pragma('synchronous = FULL');
    database.exec('BEGIN EXCLUSIVE; COMMIT');
    // Copies the log into the file and removes it; in memory, so that closing removes no journal of whoever comes next.
    database.pragma('journal_mode = DELETE');
    database.pragma('journal_mode = MEMORY');
    return database;
  } catch (error) {
    database?.close();
    if (isBusy(error)) throw busy(`${path} is open: close every process and handle that uses it, then restore`, error);
    const code = sqliteCode(error);
    if (code === 'SQLITE_FULL') throw toTimelineError(error);
    if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) return undefined;
    throw new TimelineError('TIMELINE_UNAVAILABLE', `cannot replace ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** SQLite's locks tell of all who have read; some systems also tell who has merely opened it. */
function refuseOpen(path: string, counted: { readonly own: boolean }): void {
  const ids = ['', ...SIDE_FILES].map((suffix) => fileId(path + suffix)).filter((id) => id !== undefined);
  if (ids.length === 0) return;
  const own = counted.own ? filesOpenIn('self') : undefined;
  if (own && ids.some((id) => own.has(id))) throw busy(`${path} is open in this process: close it, then restore`);
  const others = processesWith(ids);
  if (others.length > 0) throw busy(`${path} is open in process ${others.join(', ')}: close it there, then restore`);
}
