/** A file that replaces another: complete and synced before it takes the other's name. */
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  fsync as syncFile,
  write as writeFile,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { HEADER } from './journal-format.js';

const write = promisify(writeFile);
const fsync = promisify(syncFile);

const replacementPath = (path: string) => `${path}.compacting`;

export class ReplacementFile {
  readonly #target: string;
  readonly #path: string;
  readonly descriptor: number;
  size = 0;

  /** @throws Error if another program owns the file of that name */
  constructor(target: string) {
    this.#target = target;
    this.#path = replacementPath(target);
    removeLeftover(target);
    this.descriptor = openSync(this.#path, 'ax');
    fchmodSync(this.descriptor, statSync(target).mode & 0o777);
  }

  async write(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    for (let written = 0; written < bytes.length; ) {
      written += (await write(this.descriptor, bytes, written)).bytesWritten;
    }
    this.size += bytes.length;
  }

  async sync(): Promise<void> {
    await fsync(this.descriptor);
  }

  /** Writes the end of the file synchronously, so that no change can be missing from it. */
  finish(text: string): void {
    this.size += writeAll(this.descriptor, text);
    fsyncSync(this.descriptor);
  }

  /** Renames the file to its target. */
  replace(): void {
    renameSync(this.#path, this.#target);
    syncFolder(dirname(this.#target));
  }

  discard(): void {
    closeSync(this.descriptor);
    rmSync(this.#path, { force: true });
  }
}

/** Removes the replacement file of a killed process, but no file of another program. */
export function removeLeftover(target: string): void {
  const path = replacementPath(target);
  if (!existsSync(path) || !lstatSync(path).isFile()) return;
  const descriptor = openSync(path, 'r');
  const beginning = Buffer.alloc(HEADER.length);
  const length = readSync(descriptor, beginning);
  closeSync(descriptor);
  if (HEADER.startsWith(beginning.toString('utf8', 0, length))) rmSync(path);
}

/** Writes the whole text and returns its length in bytes. */
export function writeAll(descriptor: number, text: string): number {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
  return bytes.length;
}

/** Makes a rename survive a power cut, where the file system can. */
function syncFolder(path: string): void {
  try {
    const descriptor = openSync(path, 'r');
    fsyncSync(descriptor);
    closeSync(descriptor);
  } catch {
    // Windows does not open folders, and some file systems do not sync them; the rename itself is done.
  }
}
