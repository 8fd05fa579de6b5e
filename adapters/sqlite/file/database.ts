import type { AdapterWarning, LibraryOptions } from '../../../src/adapter.js';
import { isTimelineError, TimelineError } from '../../../src/errors.js';
import { CommitWatch } from '../commit-watch.js';
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

/** A database in use, shared by its libraries. */
export interface OpenDatabase {
  readonly connection: Connection;
  readonly commitWatch: CommitWatch;
  /** Resolves by the deadline (`performance.now()`). */
  readonly close: (deadline: number) => Promise<void>;
}

type User = Pick<LibraryOptions, 'warn'>;
interface InUse {
  readonly database: OpenDatabase;
  readonly users: Set<User>;
}

type Warn = (warning: AdapterWarning) => void;

/**
 * Opens one database with the first of its libraries and closes it with the last; then the next library opens it again.
 */
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
      // Libraries that are open on a file that was replaced keep it until they close; the next one opens the new file.
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
    // The database is shared: one of its users is enough to hear of it.
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
    const commitWatch = new CommitWatch(connection, settings.wakeMs);
    const wal =
      connection.file && !database.readonly
        ? new WalControl(connection, connection.file.path, { ...settings, sole: owned }, warn)
        : undefined;
    const close = async (deadline: number) => {
      commitWatch.stop();
      await wal?.close(deadline);
      if (owned) database.close();
    };
    return { connection, commitWatch, close };
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
