import type { LibraryClock, LibraryOptions } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import { type LibrarySettings, parseSettings, reconcileSettings } from '../../src/settings.js';
import { cutoff } from '../../src/toolkit/index.js';
import type { SqliteStatement } from './file/client.js';
import type { Connection } from './file/connection.js';
import { SCHEMA_VERSION } from './file/schema.js';

/** Accepted time is stored this often with writes, and this often without. */
const KEEP_MS = 10_000;
const KEEP_IDLE_MS = 60_000;
const WEEK_MS = 7 * 24 * 3_600_000;

type LibraryRow = [id: number, settings: string, clock: string | null];

/** The settings of one library, and the time that its processes have agreed on, as the file keeps them. */
export class LibraryState {
  readonly id: number;
  readonly clock: LibraryClock;
  readonly #name: string;
  readonly #find: SqliteStatement;
  readonly #putClock: SqliteStatement;
  #text: string;
  #settings: LibrarySettings;
  #time: string | undefined;
  #keptAt = Number.NEGATIVE_INFINITY;
  #hasWritten = false;

  private constructor(connection: Connection, row: LibraryRow, { name, clock }: LibraryOptions) {
    const { database } = connection;
    [this.id, this.#text] = row;
    this.clock = clock;
    this.#name = name;
    this.#settings = parseSettings(this.#text, name);
    this.#find = findLibrary(connection);
    this.#putClock = database.prepare('UPDATE timeline_libraries SET clock = ? WHERE id = ?');
    this.#time = clock.exchange(row[2] ?? undefined);
  }

  /** Creates a missing library, alters it if asked to, and refuses settings that differ. */
  static async open(
    connection: Connection,
    options: LibraryOptions,
    keyWindowMs: number | undefined,
    deadline: number,
  ): Promise<LibraryState> {
    const { readonly } = connection.database;
    const find = () => reconcile(connection, options, keyWindowMs);
    const row = await (readonly ? connection.read({ deadline }, find) : connection.write({ deadline }, find));
    const state = new LibraryState(connection, row, options);
    if (!readonly) await connection.write({ deadline }, () => state.keepTime());
    return state;
  }

  /** `Infinity`: for ever. */
  get ttlMs(): number {
    return this.#settings.ttlMs ?? Number.POSITIVE_INFINITY;
  }

  /** `Infinity`: for ever. */
  get keyWindowMs(): number {
    return this.#settings.keyWindowMs ?? Number.POSITIVE_INFINITY;
  }

  /** Entries appended at or before this time have expired. `-Infinity` without a TTL. */
  cutoff(): number {
    return cutoff(this.clock.expiryTime(), this.ttlMs);
  }

  /** Reads settings and time again, as others may have altered them. Call it inside a transaction, before removing. */
  refresh(): void {
    const row = this.#find.get(this.#name) as LibraryRow | undefined;
    if (!row) throw new TimelineError('TIMELINE_UNAVAILABLE', `the library ${this.#name} is gone from the file`);
    if (row[1] !== this.#text) {
      this.#settings = parseSettings(row[1], this.#name);
      this.#text = row[1];
    }
    this.#time = this.clock.exchange(row[2] ?? undefined);
  }

  /** Call it in each transaction that appends: now and then it stores the time too. */
  noteWrite(): void {
    this.#hasWritten = true;
    if (performance.now() - this.#keptAt >= KEEP_MS) this.#exchange();
  }

  /** Refreshes in a transaction that may write, and stores the time if that is due. */
  refreshAndKeep(): void {
    this.refresh();
    if (performance.now() - this.#keptAt >= (this.#hasWritten ? KEEP_MS : KEEP_IDLE_MS)) this.keepTime();
  }

  keepTime(): void {
    this.#keptAt = performance.now();
    this.#hasWritten = false;
    if (this.#time !== undefined) this.#putClock.run(this.#time, this.id);
  }

  #exchange(): void {
    this.refresh();
    this.keepTime();
  }
}

function findLibrary({ database }: Connection): SqliteStatement {
  return database.prepare('SELECT id, settings, clock FROM timeline_libraries WHERE name = ?').raw();
}

function reconcile(connection: Connection, options: LibraryOptions, keyWindowMs: number | undefined): LibraryRow {
  const { database } = connection;
  const { name, ttlMs, alter } = options;
  const row = findLibrary(connection).get(name) as LibraryRow | undefined;
  if (!row && database.readonly) {
    throw new TimelineError('TIMELINE_UNAVAILABLE', `${database.name} has no library ${name}, and is readonly`);
  }
  const wanted = { format: SCHEMA_VERSION, numbering: 'dense', ttlMs, keyWindowMs, defaultKeyWindowMs: WEEK_MS };
  const { text, changed } = reconcileSettings(row?.[1], wanted, { library: name, alter });
  if (row && !changed) return row;
  if (database.readonly) {
    const message = `${database.name} is readonly, so that the settings of ${name} cannot be altered`;
    throw new TimelineError('TIMELINE_UNSUPPORTED', message, { capability: 'readOnly' });
  }
  if (row) database.prepare('UPDATE timeline_libraries SET settings = ? WHERE id = ?').run(text, row[0]);
  else database.prepare('INSERT INTO timeline_libraries (name, settings) VALUES (?, ?)').run(name, text);
  return findLibrary(connection).get(name) as LibraryRow;
}
