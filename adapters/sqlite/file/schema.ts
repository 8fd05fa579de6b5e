import { randomUUID } from 'node:crypto';
import type { AdapterWarning } from '../../../src/adapter.js';
import { TimelineError } from '../../../src/errors.js';
import type { BetterSqlite3Database } from './client.js';
import { isBackup, renewEpoch } from './epochs.js';
import { sqliteCode } from './sqlite-errors.js';

/** Raised whenever other versions of this adapter could not read or write the tables. */
export const SCHEMA_VERSION = 2;

/** 8 KiB: a WITHOUT ROWID row spills beyond a quarter of a page, so that bodies up to 2 KB stay in their leaf. */
const PAGE_SIZE = 8192;

/**
 * - `timeline_libraries.settings`: what was chosen at creation; `clock`: the time that the processes have agreed on.
 * - `timeline_timelines.floor`: entries up to it are trimmed or expired, removed physically or not yet. It and
 *   `floor_at`, the time of that entry, go on where no row is left, so that no SeqId is given twice.
 *   `heal_to`: entries up to it may still have times that only a wrong clock can have given.
 * - `timeline_entries`: `revision` NULL means 0; a body of its own in `body`, a shared one behind `ref`; neither: a tombstone.
 *   `previous`: the SeqId before it where that is not `seq - 1`, so that an entry that is missing can be told from one that
 *   never was.
 * - `timeline_bodies.refs`: how many entries point to the body. The last one to go takes it along.
 * - `timeline_ancestors`: epochs that went before, and up to where the Timeline was then what it is now.
 */
const TABLES = `
CREATE TABLE IF NOT EXISTS timeline_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS timeline_libraries (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
  settings TEXT NOT NULL, clock TEXT);
CREATE TABLE IF NOT EXISTS timeline_timelines (
  id INTEGER PRIMARY KEY, library INTEGER NOT NULL, name TEXT NOT NULL,
  floor INTEGER NOT NULL DEFAULT 0, floor_at INTEGER NOT NULL DEFAULT 0,
  heal_to INTEGER, UNIQUE (library, name));
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

/** All tables of this adapter. */
export const TABLE_NAMES = [...TABLES.matchAll(/EXISTS (\w+)/g)].map(([, name]) => name as string);

/** Makes the tables where they are missing and answers with the epoch, one for the whole file. May throw SQLITE_BUSY: repeat it then. */
export function prepareSchema(database: BetterSqlite3Database, warn: (warning: AdapterWarning) => void): string {
  const existing = readEpoch(database);
  if (database.readonly) {
    if (existing) return existing;
    const message = `${database.name} has no Timelines, and a readonly database cannot be given any`;
    throw new TimelineError('TIMELINE_UNAVAILABLE', message);
  }
  if (!existing && database.pragma('page_count', { simple: true }) === 0) database.pragma(`page_size = ${PAGE_SIZE}`);
  useLog(database, warn);
  if (existing && !isBackup(database)) return existing;
  database.exec('BEGIN IMMEDIATE');
  try {
    if (!existing) createTables(database);
    // Put in place by hand: SeqIds that were given after it was made will be given again, to other messages.
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

/** Copies and backups come in rollback-journal mode, where readers and writers of several processes hold each other up. */
function useLog(database: BetterSqlite3Database, warn: (warning: AdapterWarning) => void): void {
  if (database.memory || database.pragma('journal_mode', { simple: true }) === 'wal') return;
  const mode = database.pragma('journal_mode = WAL', { simple: true });
  if (mode === 'wal') return;
  const message = `${database.name} stays in journal mode '${mode}', as its file system cannot share memory between processes: it is slow`;
  warn({ code: 'journal-mode', message });
}

/** Undefined where there are no tables yet; `TIMELINE_UNSUPPORTED` if another version made them. */
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
  const message = `${name} was written by ${age} timeline-model (schema ${version}; this one reads ${SCHEMA_VERSION}): ${advice}`;
  return new TimelineError('TIMELINE_UNSUPPORTED', message, { expected: SCHEMA_VERSION, actual: version });
}
