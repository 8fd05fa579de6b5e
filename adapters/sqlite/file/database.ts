import type { AdapterWarning, LibraryOptions } from '../../../src/adapter.js';
import { isTimelineError, TimelineError } from '../../../src/errors.js';
import { Watchers } from '../commit-watch.js';
import type { SqliteSettings } from '../options.js';
import { WalControl } from '../wal/wal-control.js';
import type { BetterSqlite3Database } from './client.js';
import { Connection, NATIVE_TIMEOUT_MS, retryWhileBusy, withoutWaiting } from './connection.js';
import { loadDriver } from './driver.js';
import { FileIdentity, pathOf } from './file-identity.js';
import { refuseClosed, refuseSafeIntegers } from './handle.js';
import { openReadonly } from './open-readonly.js';
import { prepareSchema } from './schema.js';
import { isBusy, messageOf, toTimelineError } from './sqlite-errors.js';

/** A database in use, and what all libraries in it share. */
export interface OpenDatabase {
  readonly connection: Connection;
  readonly watchers: Watchers;
  /** Ends by the deadline. */
  readonly close: (deadline: number) => Promise<void>;
}

type User = Pick<LibraryOptions, 'warn'>;
interface InUse {
  readonly database: OpenDatabase;
  readonly users: Set<User>;
}

type Warn = (warning: AdapterWarning) => void;

/** Opens one database for any number of libraries: with the first of them, until the last is closed; and again after that. */
export class SharedDatabase {
  readonly #source: BetterSqlite3Database | string;
  readonly #settings: SqliteSettings;
  #current: InUse | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(source: BetterSqlite3Database | string, settings: SqliteSettings) {
    this.#source = source;
    this.#settings = settings;
  }

  acquire(
    { warn }: User,
    deadline: number,
  ): Promise<{ database: OpenDatabase; release: (deadline: number) => Promise<void> }> {
    return this.#inTurn(async () => {
      // Those who use a file that has gone keep it until they close; whoever comes now gets what is there.
      if (this.#current?.database.connection.isGone()) this.#current = undefined;
      const user = { warn };
      const current = this.#current ?? (await this.#open(user, deadline));
      this.#current = current;
      current.users.add(user);
      return {
        database: current.database,
        release: (deadline) => this.#inTurn(() => this.#release(current, user, deadline)),
      };
    });
  }

  async #open(first: User, deadline: number): Promise<InUse> {
    const users = new Set<User>([first]);
    // The database is everybody's: one is told.
    const warn: Warn = (warning) => [...users][0]?.warn(warning);
    return { database: await openDatabase(this.#source, this.#settings, warn, deadline), users };
  }

  async #release(current: InUse, user: User, deadline: number): Promise<void> {
    current.users.delete(user);
    if (current.users.size > 0) return;
    if (this.#current === current) this.#current = undefined;
    await current.database.close(deadline);
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(task);
    this.#turn = result.catch(() => {});
    return result;
  }
}

async function openDatabase(
  source: BetterSqlite3Database | string,
  settings: SqliteSettings,
  warn: Warn,
  deadline: number,
): Promise<OpenDatabase> {
  const owned = typeof source === 'string';
  const database = owned ? await openFile(source, settings, deadline) : source;
  try {
    refuseClosed(database);
    const setUp = () => {
      refuseSafeIntegers(database, 'database');
      const epoch = prepareSchema(database, warn);
      database.pragma(`synchronous = ${settings.synchronous}`);
      // Without it macOS syncs to the drive's cache only, which a power loss empties.
      if (settings.synchronous === 'full') database.pragma('fullfsync = 1');
      const path = pathOf(database);
      const file = path === undefined ? undefined : new FileIdentity(database, path, owned ? source : path);
      return new Connection(database, epoch, owned, file);
    };
    const connection = await retryWhileBusy(deadline, () => withoutWaiting(database, setUp));
    const watchers = new Watchers(connection, settings.wakeMs);
    const wal =
      connection.file && !database.readonly
        ? new WalControl(connection, connection.file.path, { ...settings, sole: owned }, warn)
        : undefined;
    const close = async (deadline: number) => {
      watchers.stop();
      await wal?.close(deadline);
      if (owned) database.close();
    };
    return { connection, watchers, close };
  } catch (error) {
    if (owned) database.close();
    throw toTimelineError(error);
  }
}

async function openFile(path: string, { readonly }: SqliteSettings, deadline: number): Promise<BetterSqlite3Database> {
  const Database = await loadDriver('sqliteAdapter(path)');
  return retryWhileBusy(deadline, () => {
    try {
      if (readonly) return openReadonly(Database, path, NATIVE_TIMEOUT_MS);
      return new Database(path, { timeout: NATIVE_TIMEOUT_MS });
    } catch (error) {
      if (isBusy(error) || isTimelineError(error)) throw error;
      const message = `cannot open the SQLite database ${path}: ${messageOf(error)}`;
      throw new TimelineError('TIMELINE_UNAVAILABLE', message, { cause: error });
    }
  });
}
