import { invalidArgument, isTimelineError, TimelineError } from '../../../src/errors.js';
import { describeValue } from '../../../src/text.js';
import type { BetterSqlite3Database } from './client.js';

const METHODS = ['prepare', 'exec', 'pragma', 'close'] as const;

/** Takes a path or a handle of better-sqlite3, and refuses anything else with `TIMELINE_INVALID_ARGUMENT`. */
export function checkSource(source: unknown, argument: string): BetterSqlite3Database | string {
  if (typeof source === 'string') {
    if (source.includes('\0')) throw invalidArgument(argument, 'must be a path without a zero character');
    return source;
  }
  if (source instanceof URL) {
    throw invalidArgument(
      argument,
      'must be a path or a Database of better-sqlite3, not a URL: give fileURLToPath(url)',
    );
  }
  const handle = source as Partial<BetterSqlite3Database> | null | undefined;
  const fits =
    typeof handle === 'object' &&
    handle !== null &&
    METHODS.every((method) => typeof handle[method] === 'function') &&
    typeof handle.open === 'boolean' &&
    typeof handle.name === 'string';
  if (!fits) throw invalidArgument(argument, `must be a path or a Database of better-sqlite3, not ${kindOf(source)}`);
  const database = handle as BetterSqlite3Database;
  try {
    if (database.open) refuseSafeIntegers(database, argument);
  } catch (error) {
    // Opening reports errors of SQLite, such as a locked or damaged file.
    if (isTimelineError(error)) throw error;
  }
  return database;
}

/** Refuses a handle whose numbers all come as `bigint`: the code here expects numbers too. */
export function refuseSafeIntegers(handle: BetterSqlite3Database, argument: string): void {
  if (typeof handle.prepare('SELECT 1').pluck().get() !== 'bigint') return;
  throw invalidArgument(
    argument,
    'has defaultSafeIntegers(true), which is not supported: give a handle without it, or a path',
  );
}

export function refuseClosed(handle: BetterSqlite3Database): void {
  if (!handle.open)
    throw new TimelineError('TIMELINE_UNAVAILABLE', 'the SQLite handle given to sqliteAdapter is closed');
}

/** Names drivers that users mistake for better-sqlite3. */
function kindOf(source: unknown): string {
  if (typeof source !== 'object' || source === null) return describeValue(source);
  const name = source.constructor?.name;
  if (name === 'DatabaseSync') return 'a DatabaseSync of node:sqlite';
  if ('filename' in source && 'query' in source) return 'a Database of bun:sqlite';
  if (typeof name === 'string' && name !== '' && name !== 'Object') return `a ${name}`;
  return describeValue(source);
}
