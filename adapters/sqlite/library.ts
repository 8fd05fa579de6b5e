import type { AdapterLibrary, Capabilities, LibraryOptions } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import { Appender } from './append.js';
import { Checkpoints } from './checkpoints.js';
import type { Connection } from './connection.js';
import type { OpenDatabase } from './database.js';
import type { HeadMemory } from './heads.js';
import { Modifier } from './modify.js';
import type { SqliteSettings } from './options.js';
import { Reader } from './read.js';
import { Removal } from './removal.js';
import { libraryId } from './schema.js';
import { Sweeper } from './sweep.js';
import type { Watchers } from './watch.js';

/** What the parts of one open library share. */
export class LibraryContext {
  readonly connection: Connection;
  readonly watchers: Watchers;
  readonly heads: HeadMemory;
  readonly now: () => number;
  readonly keyWindowMs: number;
  readonly reader: Reader;
  readonly removal: Removal;
  readonly sweeper: Sweeper;

  constructor(
    readonly id: number,
    database: OpenDatabase,
    readonly options: LibraryOptions,
    settings: SqliteSettings,
  ) {
    this.connection = database.connection;
    this.watchers = database.watchers;
    this.heads = this.connection.headsOf(id);
    this.now = () => options.clock.entryTime();
    this.keyWindowMs = settings.keyWindowMs;
    this.reader = new Reader(this);
    this.removal = new Removal(this.connection.database, this.heads);
    this.sweeper = new Sweeper(this, settings.sweepMs);
  }

  /** Entries appended at or before it have expired; below all times if there is no TTL. */
  cutoff(): number {
    return this.options.ttlMs === undefined ? Number.NEGATIVE_INFINITY : this.now() - this.options.ttlMs;
  }
}

export async function openLibrary(
  database: OpenDatabase,
  options: LibraryOptions,
  settings: SqliteSettings,
  release: () => Promise<void>,
): Promise<AdapterLibrary> {
  const { connection, watchers } = database;
  const { readonly } = connection.database;
  const find = () => libraryId(connection.database, options.name);
  const id = await (readonly ? connection.read(find) : connection.write(find));
  if (id === undefined) {
    throw new TimelineError(
      'TIMELINE_UNAVAILABLE',
      `${connection.database.name} has no library ${options.name}, and is readonly`,
    );
  }
  const library = new LibraryContext(id, database, options, settings);
  const { reader, sweeper } = library;
  const appender = new Appender(library);
  const modifier = new Modifier(library);
  if (!readonly) sweeper.start();
  return {
    capabilities: capabilities(connection, settings),
    append: (writes) => appender.append(writes),
    read: (ranges) => reader.read(ranges),
    heads: (timelines) => reader.heads(timelines),
    update: (timeline, seqId, payload, ifRevision) => modifier.update(timeline, seqId, payload, ifRevision),
    delete: (timeline, seqId) => modifier.delete(timeline, seqId),
    trim: (timeline, cut) => modifier.trim(timeline, cut),
    timelines: (range) => reader.timelines(range),
    checkpoints: new Checkpoints(library),
    watch: (timeline, wake) => watchers.add(id, timeline, wake),
    close: async () => {
      await sweeper.close();
      await release();
    },
  };
}

function capabilities({ database }: Connection, settings: SqliteSettings): Capabilities {
  const survives = settings.synchronous === 'full' ? 'power' : 'process';
  return {
    adapter: 'sqlite',
    dense: true,
    visibility: 'strict',
    atomicBatch: 1000,
    maxAtomicBytes: 4 * 2 ** 20,
    maxBodyBytes: 2 ** 20,
    keyWindowMs: settings.keyWindowMs,
    expectedLast: true,
    manualIds: true,
    update: true,
    delete: true,
    trim: true,
    timelines: true,
    checkpoints: true,
    minTtlMs: 1,
    budgetMs: Math.max(1, settings.busyTimeoutMs),
    wakeWithinMs: 2 * settings.wakeMs,
    durability: database.memory ? 'none' : survives,
    readOnly: database.readonly,
  };
}
