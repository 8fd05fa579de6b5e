import type { AdapterWarning, LibraryOptions } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import type { BetterSqlite3Database, DatabaseConstructor } from './client.js';
import { Connection, retryWhileBusy } from './connection.js';
import type { SqliteSettings } from './options.js';
import { prepareSchema } from './schema.js';
import { toTimelineError } from './sqlite-errors.js';
import { WalControl } from './wal.js';
import { Watchers } from './watch.js';

/** SQLite waits with the event loop held, so an owned handle hardly lets it: {@link Connection} waits instead. */
const NATIVE_TIMEOUT_MS = 2;

/** A database in use, and what all libraries in it share. */
export interface OpenDatabase {
  readonly connection: Connection;
  readonly watchers: Watchers;
  readonly close: () => Promise<void>;
}

/** Opens one database for any number of libraries: with the first of them, until the last is closed; and again after that. */
export class SharedDatabase {
  private readonly users = new Set<{ readonly warn: LibraryOptions['warn'] }>();
  private current: OpenDatabase | undefined;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly source: BetterSqlite3Database | string,
    private readonly settings: SqliteSettings,
  ) {}

  acquire({ warn }: LibraryOptions): Promise<{ database: OpenDatabase; release: () => Promise<void> }> {
    return this.inTurn(async () => {
      const database = this.current ?? (await openDatabase(this.source, this.settings, (warning) => this.warn(warning)));
      this.current = database;
      const user = { warn };
      this.users.add(user);
      return { database, release: () => this.inTurn(() => this.release(user)) };
    });
  }

  private async release(user: { readonly warn: LibraryOptions['warn'] }): Promise<void> {
    this.users.delete(user);
    if (this.users.size > 0) return;
    const { current } = this;
    this.current = undefined;
    await current?.close();
  }

  /** The database is everybody's: one is told. */
  private warn(warning: AdapterWarning): void {
    const [user] = this.users;
    user?.warn(warning);
  }

  private inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.turn.then(task);
    this.turn = result.catch(() => {});
    return result;
  }
}

async function openDatabase(
  source: BetterSqlite3Database | string,
  settings: SqliteSettings,
  warn: (warning: AdapterWarning) => void,
): Promise<OpenDatabase> {
  const owned = typeof source === 'string';
  const database = owned ? await openFile(source, settings) : source;
  try {
    if (!database.open) throw new TimelineError('TIMELINE_UNAVAILABLE', 'the SQLite handle given to sqliteAdapter is closed');
    const setUp = () => {
      const epoch = prepareSchema(database);
      database.pragma(`synchronous = ${settings.synchronous}`);
      // Without it macOS syncs to the drive's cache only, which a power loss empties.
      if (settings.synchronous === 'full') database.pragma('fullfsync = 1');
      return new Connection(database, epoch, settings.busyTimeoutMs);
    };
    const connection = await retryWhileBusy(performance.now() + settings.busyTimeoutMs, setUp);
    const watchers = new Watchers(connection, settings.wakeMs);
    const hasLog = !database.readonly && !database.memory;
    const wal = hasLog ? new WalControl(connection, { ...settings, sole: owned }, warn) : undefined;
    const close = async () => {
      watchers.stop();
      await wal?.close();
      if (owned) database.close();
    };
    return { connection, watchers, close };
  } catch (error) {
    if (owned) database.close();
    throw toTimelineError(error);
  }
}

async function openFile(path: string, { readonly }: SqliteSettings): Promise<BetterSqlite3Database> {
  const Database = await loadDriver();
  try {
    return new Database(path, { readonly, fileMustExist: readonly, timeout: NATIVE_TIMEOUT_MS });
  } catch (error) {
    const message = `cannot open the SQLite database ${path}: ${error instanceof Error ? error.message : String(error)}`;
    throw new TimelineError('TIMELINE_UNAVAILABLE', message, { cause: error });
  }
}

async function loadDriver(): Promise<DatabaseConstructor> {
  try {
    return (await import('better-sqlite3')).default as DatabaseConstructor;
  } catch (error) {
    const message = 'sqliteAdapter(path) needs better-sqlite3, which cannot be loaded: npm install better-sqlite3';
    throw new TimelineError('TIMELINE_MISSING_DRIVER', message, { cause: error });
  }
}
