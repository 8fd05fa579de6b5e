/** A file under way that will replace another: whole and on the disk before it takes the other's name. */
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

const freshPath = (path: string) => `${path}.compacting`;

export class FreshFile {
  readonly #target: string;
  readonly #path: string;
  readonly descriptor: number;
  size = 0;

  /** @throws Error if the file of that name is somebody else's */
  constructor(target: string) {
    this.#target = target;
    this.#path = freshPath(target);
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

  /** Ends the file while everything waits, so that nothing can happen that it lacks. */
  finish(text: string): void {
    this.size += writeAll(this.descriptor, text);
    fsyncSync(this.descriptor);
  }

  /** Takes the other's name. */
  replace(): void {
    renameSync(this.#path, this.#target);
    syncFolder(dirname(this.#target));
  }

  discard(): void {
    closeSync(this.descriptor);
    rmSync(this.#path, { force: true });
  }
}

/** Removes what a killed process left of its own; what is somebody else's stays. */
export function removeLeftover(target: string): void {
  const path = freshPath(target);
  if (!existsSync(path) || !lstatSync(path).isFile()) return;
  const descriptor = openSync(path, 'r');
  const beginning = Buffer.alloc(HEADER.length);
  const length = readSync(descriptor, beginning);
  closeSync(descriptor);
  if (HEADER.startsWith(beginning.toString('utf8', 0, length))) rmSync(path);
}

/** Returns the number of bytes. */
export function writeAll(descriptor: number, text: string): number {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
  return bytes.length;
}

/** Makes a rename last over a power cut, where the file system can. */
function syncFolder(path: string): void {
  try {
    const descriptor = openSync(path, 'r');
    fsyncSync(descriptor);
    closeSync(descriptor);
  } catch {
    // Windows opens no folders, and some file systems sync none: the rename itself is done.
  }
}
