import { chmodSync, chownSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { invalidArgument, TimelineError } from '../../../src/errors.js';
import type { DatabaseConstructor } from '../file/client.js';
import { loadDriver } from '../file/driver.js';
import { renewEpoch } from '../file/epochs.js';
import { fileId } from '../file/open-files.js';
import { readEpoch } from '../file/schema.js';
import { toTimelineError } from '../file/sqlite-errors.js';
import { type ExclusiveLock, lockExclusively } from './exclusive-lock.js';
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

const CALLER = 'restoreTimelines';

/**
 * Replaces a database, with its log, by a backup. If the process dies on the way, `target` holds its old data or the
 * restored data, and opens.
 *
 * `TIMELINE_BUSY` while another process or handle has `target` open. The restored data begin a new epoch: cursors of
 * the backup's epoch stay good up to where each Timeline ends in the backup. All others are refused with
 * `TIMELINE_EPOCH_CHANGED`, as the SeqIds behind that end will be given again.
 *
 * @param file A backup. It stays as it is.
 * @param target The database; it may be missing or damaged.
 *
 * @example
 * await restoreTimelines('backups/chat-monday.db', 'chat.db');
 */
export async function restoreTimelines(file: string, target: string): Promise<void> {
  const source = checkPath(file, 'file');
  const named = checkPath(target, 'target');
  const existing = fileId(named);
  if (existing !== undefined && existing === fileId(source))
    throw invalidArgument('target', 'must be another file than the backup');
  try {
    const Database = await loadDriver(CALLER);
    const path = existing === undefined ? named : realpathSync(named);
    const lock = lockExclusively(Database, path);
    const part = partOf(path);
    try {
      removeParts(path, { all: true });
      await prepare(Database, source, path, part);
      putInPlace(path, part, lock);
    } catch (error) {
      removeDatabase(part);
      lock.abandon();
      throw error;
    }
    lock.release();
    syncToDisk(dirname(path));
  } catch (error) {
    throw toTimelineError(error);
  }
}

/** Makes the new database, complete and on disk. */
async function prepare(Database: DatabaseConstructor, source: string, path: string, part: string): Promise<void> {
  const worker = await openSource(source, CALLER);
  await worker.backup(part).finally(() => worker.end());
  const database = new Database(part, { fileMustExist: true, timeout: LOCK_WAIT_MS });
  try {
    if (readEpoch(database) === undefined)
      throw new TimelineError('TIMELINE_UNAVAILABLE', `${source} holds no Timelines`);
    database.pragma('journal_mode = WAL');
    database.exec('BEGIN IMMEDIATE');
    renewEpoch(database);
    database.exec('COMMIT');
  } finally {
    database.close();
  }
  keepOwner(path, part);
  syncToDisk(part);
}

/** Locking has copied the old log into the old file, so that either file is complete without a log. */
function putInPlace(path: string, part: string, lock: ExclusiveLock): void {
  lock.beforeReplacing();
  for (const suffix of SIDE_FILES) rmSync(path + suffix, { force: true });
  renameSync(part, path);
}

function keepOwner(path: string, part: string): void {
  const old = statSync(path, { throwIfNoEntry: false });
  if (!old || old.size === 0 || process.platform === 'win32') return;
  chmodSync(part, old.mode);
  const own = statSync(part);
  if (own.uid !== old.uid || own.gid !== old.gid) chownSync(part, old.uid, old.gid);
}
