import type { TimelineAdapter } from '../../src/adapter.js';
import type { Nullable } from '../../src/entry-types.js';
import type { BetterSqlite3Database } from './file/client.js';
import { SharedDatabase } from './file/database.js';
import { checkSource } from './file/handle.js';
import { openLibrary } from './library.js';
import { resolveSettings, type SqliteAdapterOptions } from './options.js';

export type { BetterSqlite3Database, SqliteStatement } from './file/client.js';
export { backupTimelines } from './operations/backup.js';
export {
  checkTimelines,
  type TimelineCheck,
  type TimelineProblem,
  type TimelineProblemCode,
} from './operations/check.js';
export { restoreTimelines } from './operations/restore.js';
export type { SqliteAdapterOptions } from './options.js';

/**
 * Timelines in one SQLite file. It holds any number of libraries, and tables of your own beside them: all of the
 * adapter's begin with `timeline_`. Several processes may use the file at once.
 *
 * A path is opened with the first library and closed with the last; it needs better-sqlite3 to be installed.
 * `':memory:'` works too. A better-sqlite3 handle stays yours: it is switched to WAL and to `synchronous`, checkpointed
 * from a worker thread while a library is open, keeps its timeout, and is never closed here. Leave no transaction open
 * on it across an `await`.
 *
 * @example
 * const store = await openTimelineStore({ adapter: sqliteAdapter('chat.db'), name: 'chat' });
 */
export function sqliteAdapter(
  database: BetterSqlite3Database | string,
  options?: Nullable<SqliteAdapterOptions> | null,
): TimelineAdapter {
  const settings = resolveSettings(options);
  const shared = new SharedDatabase(checkSource(database, 'database'), settings);
  return {
    name: 'sqlite',
    budgetMs: settings.busyTimeoutMs,
    async open(options) {
      const deadline = performance.now() + settings.busyTimeoutMs;
      const { database, release } = await shared.acquire(options, deadline);
      try {
        return await openLibrary(database, options, settings, { deadline, release });
      } catch (error) {
        await release(deadline);
        throw error;
      }
    },
  };
}
