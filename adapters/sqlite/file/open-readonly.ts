import { accessSync, constants, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TimelineError } from '../../../src/errors.js';
import type { BetterSqlite3Database, DatabaseConstructor } from './client.js';
import { sqliteCode } from './sqlite-errors.js';

/**
 * Opens an existing file for reading only. A file in WAL mode needs its `-shm`, which SQLite cannot create in a folder
 * that cannot be written: there it is opened as immutable, if its log is empty and better-sqlite3 takes URIs.
 */
export function openReadonly(Database: DatabaseConstructor, path: string, timeout: number): BetterSqlite3Database {
  const database = new Database(path, { readonly: true, fileMustExist: true, timeout });
  try {
    database.pragma('schema_version');
    return database;
  } catch (error) {
    database.close();
    if (sqliteCode(error) !== 'SQLITE_CANTOPEN' || canWriteBeside(path)) throw error;
    return openImmutable(Database, path, error);
  }
}

function openImmutable(Database: DatabaseConstructor, path: string, cause: unknown): BetterSqlite3Database {
  const problem =
    `cannot open ${path}: it has a write-ahead log, and SQLite cannot make the -shm file for it where nothing can be ` +
    'written.';
  if ((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) {
    const advice =
      'The log holds what the file does not, so open it once where it can be written, or copy it with backupTimelines';
    throw new TimelineError('TIMELINE_UNAVAILABLE', `${problem} ${advice}`, { cause });
  }
  try {
    const database = new Database(`${pathToFileURL(resolve(path))}?immutable=1`, {
      readonly: true,
      fileMustExist: true,
    });
    database.pragma('schema_version');
    return database;
  } catch {
    const advice =
      'Put a copy made by backupTimelines there, which has no log, or set SQLITE_USE_URI=1 in the environment ' +
      'so that it can be opened as immutable';
    throw new TimelineError('TIMELINE_UNAVAILABLE', `${problem} ${advice}`, { cause });
  }
}

function canWriteBeside(path: string): boolean {
  try {
    accessSync(dirname(resolve(path)), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
