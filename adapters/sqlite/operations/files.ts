import { closeSync, fsyncSync, openSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { invalidArgument, TimelineError } from '../../../src/errors.js';
import { describeValue } from '../../../src/text.js';
import { DatabaseWorker } from '../file/database-worker.js';
import { loadDriver } from '../file/driver.js';
import { fileId } from '../file/open-files.js';
import { openReadonly } from '../file/open-readonly.js';
import { messageOf, sqliteCode } from '../file/sqlite-errors.js';

/** Milliseconds that SQLite waits on a worker thread for a lock of another process. */
export const LOCK_WAIT_MS = 5000;

/** Files that SQLite keeps beside a database. */
export const SIDE_FILES = ['-wal', '-shm', '-journal'];

export function checkPath(path: unknown, argument: string): string {
  if (typeof path !== 'string' || path === '' || path === ':memory:' || path.includes('\0')) {
    throw invalidArgument(argument, `must be the path of a file, not ${describeValue(path)}`);
  }
  return resolve(path);
}

/** Opens an existing database on a worker thread, for reading only. */
export async function openSource(path: string, caller: string): Promise<DatabaseWorker> {
  const Database = await loadDriver(caller);
  if (fileId(path) === undefined) throw new TimelineError('TIMELINE_UNAVAILABLE', `there is no file ${path}`);
  let name: string;
  try {
    const handle = openReadonly(Database, path, LOCK_WAIT_MS);
    name = handle.name;
    handle.close();
  } catch (error) {
    if (sqliteCode(error) !== 'SQLITE_CANTOPEN') throw error;
    throw new TimelineError('TIMELINE_UNAVAILABLE', `cannot open ${path}: ${messageOf(error)}`, { cause: error });
  }
  return new DatabaseWorker(name, { readonly: true, fileMustExist: true, timeout: LOCK_WAIT_MS });
}

/** Makes the content of a file, or the names in a directory, survive a power loss. */
export function syncToDisk(path: string): void {
  // Windows opens no directories, and needs write access to sync a file.
  if (process.platform === 'win32' && fileId(path) === fileId(dirname(path))) return;
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

export function removeDatabase(path: string): void {
  for (const suffix of ['', ...SIDE_FILES]) rmSync(path + suffix, { force: true });
}

const PART = /^\.(\d+)-\d+\.part(?:-\w+)?$/;
let parts = 0;

/** A name for a file in the making, which is renamed to `path` when it is complete. */
export function partOf(path: string): string {
  return `${path}.${process.pid}-${++parts}.part`;
}

/** Removes such files of killed processes. `all`: removes all of them, as no other process can be making one. */
export function removeParts(path: string, { all }: { readonly all: boolean }): void {
  const folder = dirname(path);
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(basename(path))) continue;
    const pid = PART.exec(name.slice(basename(path).length))?.[1];
    if (pid !== undefined && (all || !isRunning(Number(pid)))) rmSync(join(folder, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  if (pid === process.pid) return true;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
