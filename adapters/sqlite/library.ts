import type { AdapterLibrary, Capabilities, LibraryOptions } from '../../src/adapter.js';
import { Appender } from './append.js';
import { Checkpoints } from './checkpoints.js';
import type { Connection } from './connection.js';
import type { OpenDatabase } from './database.js';
import type { HeadMemory } from './heads.js';
import { Healing } from './heal.js';
import { LibraryState } from './library-state.js';
import { Modifier } from './modify.js';
import type { SqliteSettings } from './options.js';
import { Reader } from './read.js';
import { Removal } from './removal.js';
import { LibrarySweeper } from './sweep.js';
import type { Watchers } from './watch.js';

/** What the parts of one open library share. */
export class LibraryContext {
  readonly id: number;
  readonly connection: Connection;
  readonly watchers: Watchers;
  readonly heads: HeadMemory;
  readonly healing: Healing;
  readonly reader: Reader;
  readonly removal: Removal;
  readonly sweeper: LibrarySweeper;

  constructor(
    readonly state: LibraryState,
    database: OpenDatabase,
    settings: SqliteSettings,
  ) {
    this.id = state.id;
    this.connection = database.connection;
    this.watchers = database.watchers;
    this.heads = this.connection.headsOf(state.id);
    this.healing = new Healing(this.connection.database, this.heads, state.clock);
    this.reader = new Reader(this);
    this.removal = new Removal(this.connection.database, this.heads);
    this.sweeper = new LibrarySweeper(this, settings.sweepMs);
  }
}

export async function openLibrary(
  database: OpenDatabase,
  options: LibraryOptions,
  settings: SqliteSettings,
  { deadline, release }: { readonly deadline: number; readonly release: (deadline: number) => Promise<void> },
): Promise<AdapterLibrary> {
  const { connection, watchers } = database;
  const state = await LibraryState.open(connection, options, settings.keyWindowMs, deadline);
  const library = new LibraryContext(state, database, settings);
  const { reader, sweeper } = library;
  const appender = new Appender(library);
  const modifier = new Modifier(library);
  sweeper.start();
  return {
    capabilities: capabilities(connection, settings, state),
    get ttlMs() {
      return state.ttlMs === Number.POSITIVE_INFINITY ? undefined : state.ttlMs;
    },
    append: (writes, call) => appender.append(writes, call),
    read: (ranges, call) => reader.read(ranges, call),
    heads: (timelines, call) => reader.heads(timelines, call),
    update: (timeline, seqId, payload, ifRevision, call) => modifier.update(timeline, seqId, payload, ifRevision, call),
    delete: (timeline, seqId, call) => modifier.delete(timeline, seqId, call),
    trim: (timeline, cut, call) => modifier.trim(timeline, cut, call),
    timelines: (range, call) => reader.timelines(range, call),
    checkpoints: new Checkpoints(library),
    watch: (timeline, wake) => watchers.add(state.id, timeline, wake),
    close: async (call) => {
      await sweeper.close();
      await release(call.deadline);
    },
  };
}

function capabilities({ database }: Connection, settings: SqliteSettings, { keyWindowMs }: LibraryState): Capabilities {
  const survives = settings.synchronous === 'full' ? 'power' : 'process';
  return {
    adapter: 'sqlite',
    dense: true,
    visibility: 'strict',
    atomicBatch: 1000,
    maxAtomicBytes: 4 * 2 ** 20,
    maxBodyBytes: 2 ** 20,
    keyWindowMs: keyWindowMs === Number.POSITIVE_INFINITY ? null : keyWindowMs,
    expectedLast: true,
    manualIds: true,
    update: true,
    delete: true,
    trim: true,
    timelines: true,
    checkpoints: true,
    minTtlMs: 1,
    budgetMs: settings.busyTimeoutMs,
    wakeWithinMs: 2 * settings.wakeMs,
    durability: database.memory ? 'none' : survives,
    readOnly: database.readonly,
  };
}
