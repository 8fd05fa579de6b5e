/** Checks that a path is a regular file, and locks it for this emulator. */
import { closeSync, openSync, realpathSync, statSync } from 'node:fs';
import { type FileLock, lockFile } from './file-lock.js';
import { foreignFile } from './journal-format.js';

export interface LockedFile extends FileLock {
  /** Real path of the file: replacing the file must keep links to it. */
  readonly path: string;
}

/** Creates a missing file. @throws EmulatorFileError if it is not a regular file, or another emulator uses it */
export async function lockStorageFile(given: string): Promise<LockedFile> {
  const found = statSync(given, { throwIfNoEntry: false });
  if (found && !found.isFile()) throw foreignFile(given, 'this is not a regular file');
  // Compaction replaces the file, and its other names would keep the old one.
  if (found && found.nlink > 1) throw foreignFile(given, `this file has ${found.nlink} names (hard links)`);
  if (!found) closeSync(openSync(given, 'a'));
  const path = realpathSync(given);
  const { release } = await lockFile(path);
  return { path, release };
}
