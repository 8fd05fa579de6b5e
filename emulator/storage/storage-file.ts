/** Makes sure that a path is a file that an emulator may have, and has alone. */
import { closeSync, openSync, realpathSync, statSync } from 'node:fs';
import { type FileLock, lockFile } from './file-lock.js';
import { foreignFile } from './journal-format.js';

export interface OwnedFile extends FileLock {
  /** The file's own path, whatever links led to it: links stay when the file is replaced. */
  readonly path: string;
}

/** A file that is missing is made. @throws EmulatorFileError if it is no plain file, or another emulator has it */
export async function ownFile(given: string): Promise<OwnedFile> {
  const found = statSync(given, { throwIfNoEntry: false });
  if (found && !found.isFile()) throw foreignFile(given, 'this is no plain file');
  // The file would become another one when it is replaced, and its other name would keep the old one.
  if (found && found.nlink > 1) throw foreignFile(given, `this file has ${found.nlink} names (hard links)`);
  if (!found) closeSync(openSync(given, 'a'));
  const path = realpathSync(given);
  const { release } = await lockFile(path);
  return { path, release };
}
