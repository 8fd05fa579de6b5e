import { resolve } from 'node:path';
import { TimelineError } from '../../../src/errors.js';
import type { BetterSqlite3Database } from './client.js';
import { fileId, filesOpenIn } from './open-files.js';

/** Looking takes some ten microseconds, so it is done at most this often. */
const LOOK_MS = 200;

/**
 * The files behind an open handle. SQLite goes on with files that were deleted, moved or replaced, and what it writes there
 * nobody else ever reads; so each file that was there at opening must stay the one that its name leads to.
 */
export class FileIdentity {
  readonly #database: BetterSqlite3Database;
  readonly path: string;
  readonly #paths: readonly string[];
  #files: readonly (string | undefined)[];
  #lookedAt = 0;
  #gone: TimelineError | undefined;

  /**
   * Taken after the first read, when the log is open. `name`: where the program takes the file to be, which may lead there
   * by a symbolic link.
   */
  constructor(database: BetterSqlite3Database, path: string, name = path) {
    this.#database = database;
    this.path = path;
    this.#paths = [resolve(name), path, `${path}-wal`, `${path}-shm`];
    this.#files = this.#look();
    const [main] = this.#files;
    // It may have gone before: then what this process has open is another file.
    if (main === undefined || filesOpenIn('self')?.has(main) === false) this.#notice();
  }

  isGone(): boolean {
    this.#lookAgain();
    return this.#gone !== undefined;
  }

  /** Throws once the files are not those that were opened; `outcome` is that of what the caller has done. */
  check(outcome: 'not-applied' | 'unknown' = 'not-applied'): void {
    this.#lookAgain();
    if (!this.#gone) return;
    if (outcome === 'not-applied') throw this.#gone;
    throw new TimelineError('TIMELINE_UNAVAILABLE', this.#gone.message, { outcome });
  }

  #lookAgain(): void {
    const now = performance.now();
    if (this.#gone || now - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = now;
    if (this.#database.open && !this.#isSame()) this.#notice();
  }

  #isSame(): boolean {
    let files: readonly (string | undefined)[];
    try {
      files = this.#look();
    } catch {
      // Not to be told just now.
      return true;
    }
    if (files[0] !== this.#files[0] || files[1] !== this.#files[1]) return false;
    if (files.every((file, i) => this.#files[i] === undefined || this.#files[i] === file)) return true;
    // The owner of a handle may have ended its write-ahead log.
    if (this.#database.pragma('journal_mode', { simple: true }) === 'wal') return false;
    this.#files = files;
    return true;
  }

  #look(): (string | undefined)[] {
    return this.#paths.map(fileId);
  }

  #notice(): void {
    const message = `${this.#paths[0]} was deleted, moved or replaced while it was open: nothing more is read from it or written to it. Open it again`;
    this.#gone = new TimelineError('TIMELINE_UNAVAILABLE', message);
  }
}

/** Where SQLite has found the file of a handle; undefined for a database without one. */
export function pathOf(database: BetterSqlite3Database): string | undefined {
  const files = database.pragma('database_list') as { readonly name: string; readonly file: string }[];
  return files.find(({ name }) => name === 'main')?.file || undefined;
}
