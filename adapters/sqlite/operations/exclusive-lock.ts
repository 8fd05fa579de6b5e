import { rmSync } from 'node:fs';
import { TimelineError } from '../../../src/errors.js';
import type { BetterSqlite3Database, DatabaseConstructor } from '../file/client.js';
import { fileId, filesOpenIn, processesWith } from '../file/open-files.js';
import { busy, isBusy, messageOf, sqliteCode, toTimelineError } from '../file/sqlite-errors.js';
import { SIDE_FILES } from './files.js';

/** The right to replace a database: nobody else has it open, and nobody can read it until the lock is released. */
export interface ExclusiveLock {
  /** Call it right before replacing the file: on Windows an open file cannot be replaced. */
  beforeReplacing(): void;
  /** Releases the lock after the file was replaced. */
  release(): void;
  /** Releases the lock of a file that stays. */
  abandon(): void;
}

/**
 * Locks a database for replacing it. `TIMELINE_BUSY` while anyone has it open. Creates a missing one, empty, so that
 * only one process can lock it.
 */
export function lockExclusively(Database: DatabaseConstructor, path: string): ExclusiveLock {
  const isNew = fileId(path) === undefined;
  refuseOpen(path, { own: true });
  const database = lock(Database, path);
  const release = () => void database?.close();
  const abandon = () => {
    release();
    if (isNew) rmSync(path, { force: true });
  };
  try {
    // A process that has opened it since waits for the lock, and would go on with the old file.
    refuseOpen(path, { own: false });
  } catch (error) {
    abandon();
    throw error;
  }
  return { beforeReplacing: process.platform === 'win32' ? release : () => {}, release, abandon };
}

/** `undefined` for a damaged file, which SQLite cannot lock. */
function lock(Database: DatabaseConstructor, path: string): BetterSqlite3Database | undefined {
  let database: BetterSqlite3Database | undefined;
  try {
    database = new Database(path, { timeout: 0 });
    database.pragma('locking_mode = EXCLUSIVE');
    database.pragma('synchronous = FULL');
    database.exec('BEGIN EXCLUSIVE; COMMIT');
    // DELETE copies the log into the file and removes it; MEMORY, because closing would remove the journal of the next
    // user.
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

/** SQLite's locks reveal processes that have read; some systems also reveal those that have only opened it. */
function refuseOpen(path: string, counted: { readonly own: boolean }): void {
  const ids = ['', ...SIDE_FILES].map((suffix) => fileId(path + suffix)).filter((id) => id !== undefined);
  if (ids.length === 0) return;
  const own = counted.own ? filesOpenIn('self') : undefined;
  if (own && ids.some((id) => own.has(id))) throw busy(`${path} is open in this process: close it, then restore`);
  const others = processesWith(ids);
  if (others.length > 0) throw busy(`${path} is open in process ${others.join(', ')}: close it there, then restore`);
}
