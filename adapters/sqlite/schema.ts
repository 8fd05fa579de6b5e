import { randomUUID } from 'node:crypto';
import { TimelineError } from '../../src/errors.js';
import type { BetterSqlite3Database } from './client.js';
import { sqliteCode } from './sqlite-errors.js';

/** Raised whenever older versions of this adapter could no longer read or write the tables. */
const SCHEMA_VERSION = 1;

/** 8 KiB: a WITHOUT ROWID row spills beyond a quarter of a page, so that bodies up to 2 KB stay in their leaf. */
const PAGE_SIZE = 8192;

/**
 * - `timeline_timelines.floor`: entries up to it are trimmed or expired, removed physically or not yet. It and
 *   `floor_at`, the time of that entry, go on where no row is left, so that no SeqId is given twice.
 * - `timeline_entries`: `revision` NULL means 0; a body of its own in `body`, a shared one behind `ref`; neither: a tombstone.
 * - `timeline_bodies.refs`: how many entries point to the body. The last one to go takes it along.
 */
const TABLES = `
CREATE TABLE IF NOT EXISTS timeline_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS timeline_libraries (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS timeline_timelines (
  id INTEGER PRIMARY KEY, library INTEGER NOT NULL, name TEXT NOT NULL,
  floor INTEGER NOT NULL DEFAULT 0, floor_at INTEGER NOT NULL DEFAULT 0, UNIQUE (library, name));
CREATE TABLE IF NOT EXISTS timeline_entries (
  timeline INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, body, ref INTEGER, key TEXT, revision INTEGER,
  PRIMARY KEY (timeline, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS timeline_bodies (id INTEGER PRIMARY KEY, body NOT NULL, refs INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS timeline_keys (
  timeline INTEGER NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, hash TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (timeline, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS timeline_checkpoints (
  library INTEGER NOT NULL, timeline TEXT NOT NULL, reader TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
  PRIMARY KEY (library, timeline, reader)) WITHOUT ROWID;
`;

/** Makes the tables where they are missing and answers with the epoch, one for the whole file. May throw SQLITE_BUSY: repeat it then. */
export function prepareSchema(database: BetterSqlite3Database): string {
  const existing = readMeta(database);
  if (existing) return existing;
  if (database.readonly) {
    const message = `${database.name} has no Timelines, and a readonly database cannot be given any`;
    throw new TimelineError('TIMELINE_UNAVAILABLE', message);
  }
  if (database.pragma('page_count', { simple: true }) === 0) database.pragma(`page_size = ${PAGE_SIZE}`);
  database.pragma('journal_mode = WAL');
  database.exec('BEGIN IMMEDIATE');
  try {
    database.exec(TABLES);
    const put = database.prepare('INSERT OR IGNORE INTO timeline_meta VALUES (?, ?)');
    put.run('schema', String(SCHEMA_VERSION));
    put.run('epoch', randomUUID());
    database.exec('COMMIT');
  } finally {
    if (database.inTransaction) database.exec('ROLLBACK');
  }
  return prepareSchema(database);
}

function readMeta(database: BetterSqlite3Database): string | undefined {
  const value = (key: string) => database.prepare('SELECT value FROM timeline_meta WHERE key = ?').pluck().get(key);
  try {
    const version = Number(value('schema'));
    if (version > SCHEMA_VERSION) {
      throw new TimelineError(
        'TIMELINE_UNSUPPORTED',
        `${database.name} was written by a newer timeline-model (schema ${version}; this one knows ${SCHEMA_VERSION}): update it`,
      );
    }
    return String(value('epoch'));
  } catch (error) {
    if (sqliteCode(error) === 'SQLITE_ERROR') return undefined;
    throw error;
  }
}

/** The library's number; `undefined` if it is missing and the database readonly. Inside a transaction. */
export function libraryId(database: BetterSqlite3Database, name: string): number | undefined {
  const find = database.prepare('SELECT id FROM timeline_libraries WHERE name = ?').pluck();
  const id = find.get(name);
  if (id !== undefined) return Number(id);
  if (database.readonly) return undefined;
  return Number(database.prepare('INSERT INTO timeline_libraries (name) VALUES (?)').run(name).lastInsertRowid);
}
