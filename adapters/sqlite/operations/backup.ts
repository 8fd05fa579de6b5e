import { renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { TimelineError } from '../../../src/errors.js';
import type { BetterSqlite3Database } from '../file/client.js';
import { loadDriver } from '../file/driver.js';
import { isBackup, markBackup } from '../file/epochs.js';
import { pathOf } from '../file/file-identity.js';
import { checkSource, refuseClosed } from '../file/handle.js';
import { fileId } from '../file/open-files.js';
import { readEpoch } from '../file/schema.js';
import { toTimelineError } from '../file/sqlite-errors.js';
import {
  checkPath,
  LOCK_WAIT_MS,
  openSource,
  partOf,
  removeDatabase,
  removeParts,
  SIDE_FILES,
  syncToDisk,
} from './files.js';

const CALLER = 'backupTimelines';

/** Of better-sqlite3, for a handle without a file: a worker cannot reach its data. */
interface WithBackup {
  backup?(file: string, options: { progress(): number }): Promise<unknown>;
}

/**
 * Copies one snapshot of a database into another file, while others read and write it. A worker thread makes the copy,
 * which gets its name once it is complete and on disk. It needs as much room as the database; meanwhile the write-ahead
 * log of the database cannot be emptied.
 *
 * Restore a backup with `restoreTimelines`. Opened with `sqliteAdapter` for writing, it begins a new epoch.
 *
 * @param source A path, or a handle of better-sqlite3. It may be in use.
 * @param file A path where there is no file, or an earlier backup, which is replaced.
 *
 * @example
 * await backupTimelines('chat.db', 'backups/chat-monday.db');
 */
export async function backupTimelines(source: BetterSqlite3Database | string, file: string): Promise<void> {
  const checked = checkSource(source, 'source');
  const target = checkPath(file, 'file');
  const from = typeof checked === 'string' ? checkPath(checked, 'source') : checked;
  try {
    await refuseOtherFiles(target);
    removeParts(target, { all: false });
    const part = partOf(target);
    try {
      await copy(from, part);
      await finish(part);
      renameSync(part, target);
      syncToDisk(dirname(target));
    } finally {
      removeDatabase(part);
    }
  } catch (error) {
    throw toTimelineError(error);
  }
}

async function copy(from: BetterSqlite3Database | string, part: string): Promise<void> {
  if (typeof from !== 'string') refuseClosed(from);
  const path = typeof from === 'string' ? from : pathOf(from);
  if (path !== undefined) {
    const worker = await openSource(path, CALLER);
    await worker.backup(part).finally(() => worker.end());
    return;
  }
  const handle = from as BetterSqlite3Database & WithBackup;
  if (!handle.backup)
    throw new TimelineError('TIMELINE_UNSUPPORTED', 'this handle cannot be copied: it has no method backup');
  await handle.backup(part, { progress: () => 0x7fffffff });
}

/** Makes the copy one file without a log, marked as a backup. */
async function finish(part: string): Promise<void> {
  const Database = await loadDriver(CALLER);
  const database = new Database(part, { fileMustExist: true, timeout: LOCK_WAIT_MS });
  try {
    database.pragma('journal_mode = DELETE');
    if (readEpoch(database) === undefined)
      throw new TimelineError('TIMELINE_UNAVAILABLE', 'the source holds no Timelines');
    database.pragma('synchronous = FULL');
    markBackup(database);
  } finally {
    database.close();
  }
  syncToDisk(part);
}

/** Refuses any other file than an earlier backup: it may be in use, or the last copy of something else. */
async function refuseOtherFiles(target: string): Promise<void> {
  if (fileId(target) === undefined && SIDE_FILES.every((suffix) => fileId(target + suffix) === undefined)) return;
  if (await isEarlierBackup(target)) return;
  const message = `${target} exists and is no backup made by backupTimelines: choose another name, or remove it`;
  throw new TimelineError('TIMELINE_INVALID_ARGUMENT', message, { argument: 'file' });
}

async function isEarlierBackup(path: string): Promise<boolean> {
  if (SIDE_FILES.some((suffix) => fileId(path + suffix) !== undefined)) return false;
  const Database = await loadDriver(CALLER);
  try {
    const database = new Database(path, { readonly: true, fileMustExist: true });
    try {
      return isBackup(database);
    } finally {
      database.close();
    }
  } catch {
    return false;
  }
}
