import { randomUUID } from 'node:crypto';
import type { AdapterWarning } from '../../../src/adapter.js';
import { TimelineError } from '../../../src/errors.js';
import type { BetterSqlite3Database } from './client.js';
import { isBackup, renewEpoch } from './epochs.js';
import { sqliteCode } from './sqlite-errors.js';

/** Raised whenever other versions of this adapter could not read or write the tables. */
export const SCHEMA_VERSION = 3;

/** 8 KiB: a WITHOUT ROWID row spills beyond a quarter of a page, so that bodies up to 2 KB stay in their leaf. */
const PAGE_SIZE = 8192;

/**
 * - `timeline_libraries.settings`: chosen at creation; `clock`: the time that the processes have agreed on.
 * - `timeline_timelines.floor`: entries up to it are trimmed or expired, whether or not their rows are removed. The
 *   floor and `floor_at`, the time of its entry, outlive the last row, so that no SeqId is given twice. `heal_to`:
 *   entries up to it may still have times of the future (see `FutureTimes`). `epoch`: its own since it was dropped,
 *   even if nothing was appended since; NULL: that of the file.
 * - `timeline_dropped`: numbers that dropped Timelines had; rows with them are left to remove.
 * - `timeline_entries`: `revision` NULL means 0; `body` holds an own body, `ref` leads to a shared one; neither: a
 *   tombstone. `previous`: the SeqId before it if that is not `seq - 1`; it tells a missing entry from a SeqId that was
 *   left out.
 * - `timeline_bodies.refs`: how many entries point to the body, which is removed with the last one.
 * - `timeline_ancestors`: earlier epochs, and the last SeqId up to which the Timeline is the same as then.
 */
const TABLES = `
CREATE TABLE IF NOT EXISTS timeline_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS timeline_libraries (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
  settings TEXT NOT NULL, clock TEXT);
CREATE TABLE IF NOT EXISTS timeline_timelines (
  id INTEGER PRIMARY KEY, library INTEGER NOT NULL, name TEXT NOT NULL,
  floor INTEGER NOT NULL DEFAULT 0, floor_at INTEGER NOT NULL DEFAULT 0,
  heal_to INTEGER, epoch TEXT, UNIQUE (library, name));
CREATE TABLE IF NOT EXISTS timeline_dropped (id INTEGER PRIMARY KEY, library INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS timeline_entries (
  timeline INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, body, ref INTEGER, key TEXT, revision INTEGER,
  previous INTEGER, PRIMARY KEY (timeline, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS timeline_bodies (id INTEGER PRIMARY KEY, body NOT NULL, refs INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS timeline_keys (
  timeline INTEGER NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, hash TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (timeline, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS timeline_checkpoints (
  library INTEGER NOT NULL, timeline TEXT NOT NULL, reader TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
  PRIMARY KEY (library, timeline, reader)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS timeline_ancestors (
  timeline INTEGER NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (timeline, epoch)) WITHOUT ROWID;
`;

/** The tables of this adapter. */
export const TABLE_NAMES = [...TABLES.matchAll(/EXISTS (\w+)/g)].map(([, name]) => name as string);

/**
 * Creates missing tables and returns the epoch, which is one for the whole file. Throws SQLITE_BUSY: repeat it then.
 */
export function prepareSchema(database: BetterSqlite3Database, warn: (warning: AdapterWarning) => void): string {
  const existing = readEpoch(database);
  if (database.readonly) {
    if (existing) return existing;
    const message = `${database.name} has no Timelines, and a readonly database cannot be given any`;
    throw new TimelineError('TIMELINE_UNAVAILABLE', message);
  }
  if (!existing && database.pragma('page_count', { simple: true }) === 0) database.pragma(`page_size = ${PAGE_SIZE}`);
  enableWal(database, warn);
  if (existing && !isBackup(database)) return existing;
  database.exec('BEGIN IMMEDIATE');
  try {
    if (!existing) createTables(database);
    // Somebody copied the backup into place: SeqIds given after it was made will be given again, to other messages.
    if (isBackup(database)) renewEpoch(database);
    database.exec('COMMIT');
  } finally {
    if (database.inTransaction) database.exec('ROLLBACK');
  }
  return readEpoch(database) as string;
}

function createTables(database: BetterSqlite3Database): void {
  database.exec(TABLES);
  const put = database.prepare('INSERT OR IGNORE INTO timeline_meta VALUES (?, ?)');
  put.run('schema', String(SCHEMA_VERSION));
  put.run('epoch', randomUUID());
}

/** Turns on WAL: copies and backups are in rollback-journal mode, where readers and writers block each other. */
function enableWal(database: BetterSqlite3Database, warn: (warning: AdapterWarning) => void): void {
  if (database.memory || database.pragma('journal_mode', { simple: true }) === 'wal') return;
  const mode = database.pragma('journal_mode = WAL', { simple: true });
  if (mode === 'wal') return;
  const message =
    `${database.name} stays in journal mode '${mode}', as its file system cannot share memory between processes: ` +
    'it is slow';
  warn({ code: 'journal-mode', message });
}

/** The epoch of the file; `undefined` if it has no tables yet. `TIMELINE_UNSUPPORTED` if another version made them. */
export function readEpoch(database: BetterSqlite3Database): string | undefined {
  const value = (key: string) => database.prepare('SELECT value FROM timeline_meta WHERE key = ?').pluck().get(key);
  try {
    const version = Number(value('schema'));
    if (version !== SCHEMA_VERSION) throw otherVersion(database.name, version);
    return String(value('epoch'));
  } catch (error) {
    if (sqliteCode(error) === 'SQLITE_ERROR') return undefined;
    throw error;
  }
}

export function otherVersion(name: string, version: number): TimelineError {
  const [age, advice] =
    version > SCHEMA_VERSION ? ['a newer', 'update it'] : ['an older', 'open it with that, or begin with a new file'];
  const schemas = `schema ${version}; this one reads ${SCHEMA_VERSION}`;
  const message = `${name} was written by ${age} timeline-model (${schemas}): ${advice}`;
  return new TimelineError('TIMELINE_UNSUPPORTED', message, { expected: SCHEMA_VERSION, actual: version });
}
