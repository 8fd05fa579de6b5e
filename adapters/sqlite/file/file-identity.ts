import { resolve } from 'node:path';
import { TimelineError } from '../../../src/errors.js';
import type { BetterSqlite3Database } from './client.js';
import { fileId, filesOpenIn } from './open-files.js';

/** Checking takes some ten microseconds, so it happens at most this often. */
const CHECK_MS = 200;

/**
 * Notices when the files behind an open handle were deleted, moved or replaced. SQLite goes on with the old files, and
 * nobody else ever reads what it writes there: so each name must lead to the same file as at opening.
 */
export class FileIdentity {
  readonly #database: BetterSqlite3Database;
  readonly path: string;
  readonly #paths: readonly string[];
  #files: readonly (string | undefined)[];
  #checkedAt = 0;
  #gone: TimelineError | undefined;

  /**
   * Create it after the first read, when the log is open.
   *
   * @param path The file as SQLite has found it.
   * @param name The path that the program gave, which may lead there by a symbolic link.
   */
  constructor(database: BetterSqlite3Database, path: string, name = path) {
    this.#database = database;
    this.path = path;
    this.#paths = [resolve(name), path, `${path}-wal`, `${path}-shm`];
    this.#files = this.#currentFiles();
    const [main] = this.#files;
    // The file may have been replaced before: then this process has another one open.
    if (main === undefined || filesOpenIn('self')?.has(main) === false) this.#markGone();
  }

  /** Device and inode of the file; `undefined` if it was gone when it was opened. */
  get id(): string | undefined {
    return this.#files[1];
  }

  isGone(): boolean {
    this.#checkFiles();
    return this.#gone !== undefined;
  }

  /** Throws once the files are not those that were opened. `outcome`: that of the write that the caller has done. */
  check(outcome: 'not-applied' | 'unknown' = 'not-applied'): void {
    this.#checkFiles();
    if (!this.#gone) return;
    if (outcome === 'not-applied') throw this.#gone;
    throw new TimelineError('TIMELINE_UNAVAILABLE', this.#gone.message, { outcome });
  }

  #checkFiles(): void {
    const now = performance.now();
    if (this.#gone || now - this.#checkedAt < CHECK_MS) return;
    this.#checkedAt = now;
    if (this.#database.open && !this.#isSame()) this.#markGone();
  }

  #isSame(): boolean {
    let files: readonly (string | undefined)[];
    try {
      files = this.#currentFiles();
    } catch {
      // Another error than a missing file tells nothing: the next check may.
      return true;
    }
    if (files[0] !== this.#files[0] || files[1] !== this.#files[1]) return false;
    if (files.every((file, i) => this.#files[i] === undefined || this.#files[i] === file)) return true;
    // The owner of a handle may have left WAL mode, which removes the log.
    if (this.#database.pragma('journal_mode', { simple: true }) === 'wal') return false;
    this.#files = files;
    return true;
  }

  #currentFiles(): (string | undefined)[] {
    return this.#paths.map(fileId);
  }

  #markGone(): void {
    const message =
      `${this.#paths[0]} was deleted, moved or replaced while it was open: ` +
      'nothing more is read from it or written to it. Open it again';
    this.#gone = new TimelineError('TIMELINE_UNAVAILABLE', message);
  }
}

/** The file of a handle as SQLite has found it; `undefined` for a database without one. */
export function pathOf(database: BetterSqlite3Database): string | undefined {
  const files = database.pragma('database_list') as { readonly name: string; readonly file: string }[];
  return files.find(({ name }) => name === 'main')?.file || undefined;
}
