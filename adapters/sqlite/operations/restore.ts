import { chmodSync, chownSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { invalidArgument, TimelineError } from '../../../src/errors.js';
import type { DatabaseConstructor } from '../file/client.js';
import { loadDriver } from '../file/driver.js';
import { renewEpoch } from '../file/epochs.js';
import { fileId } from '../file/open-files.js';
import { readEpoch } from '../file/schema.js';
import { toTimelineError } from '../file/sqlite-errors.js';
import { type Possession, takePossession } from './exclusive-lock.js';
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
 * Puts a backup in the place of a database, with its log and all else that belonged to it. At whatever moment the process
 * dies, `target` is what it was or what was restored, and opens.
 *
 * `target` may be missing or damaged. `TIMELINE_BUSY` while another process or handle has it open. The restored data begin a
 * new epoch: cursors of the epoch that the backup is of stay good up to where each Timeline ends in it, all others are
 * refused with `TIMELINE_EPOCH_CHANGED`, as the SeqIds behind it will be given again. `file` stays as it is.
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
    const possession = takePossession(Database, path);
    const part = partOf(path);
    try {
      removeParts(path, { all: true });
      await prepare(Database, source, path, part);
      putInPlace(path, part, possession);
    } catch (error) {
      removeDatabase(part);
      possession.giveBack();
      throw error;
    }
    possession.end();
    syncToDisk(dirname(path));
  } catch (error) {
    throw toTimelineError(error);
  }
}

/** Makes the database that will be the target, complete and on disk. */
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

/** What the old log holds is in the old file by now, so that either file is whole without one. */
function putInPlace(path: string, part: string, possession: Possession): void {
  possession.beforeReplacing();
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
