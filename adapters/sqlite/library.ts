import type { AdapterLibrary, Capabilities, LibraryOptions } from '../../src/adapter.js';
import { Appender } from './append.js';
import { Counter } from './count.js';
import { Dropper } from './drop.js';
import type { Connection } from './file/connection.js';
import type { OpenDatabase } from './file/database.js';
import { LibraryContext } from './library-context.js';
import { LibraryState } from './library-state.js';
import { Modifier } from './modify.js';
import type { SqliteSettings } from './options.js';
import { Reader } from './read.js';
import { ReaderPositions } from './reader-positions.js';
import { Signals } from './signals.js';
import { LibrarySweeper } from './sweep/library-sweeper.js';

export async function openLibrary(
  database: OpenDatabase,
  options: LibraryOptions,
  settings: SqliteSettings,
  { deadline, release }: { readonly deadline: number; readonly release: (deadline: number) => Promise<void> },
): Promise<AdapterLibrary> {
  const { connection, commitWatch } = database;
  const state = await LibraryState.open(connection, options, settings.keyWindowMs, deadline);
  const library = new LibraryContext(state, database);
  const reader = new Reader(library);
  const counter = new Counter(library, reader);
  const signals = new Signals(library);
  const appender = new Appender(library);
  const sweeper = new LibrarySweeper(library, reader, settings.sweepMs);
  const modifier = new Modifier(library, sweeper);
  const dropper = new Dropper(library, sweeper);
  sweeper.start();
  return {
    capabilities: capabilities(connection, settings, state),
    get ttlMs() {
      return state.ttlMs === Number.POSITIVE_INFINITY ? undefined : state.ttlMs;
    },
    append: (writes, call) => appender.append(writes, call),
    read: (ranges, call) => reader.read(ranges, call),
    heads: (timelines, call) => reader.heads(timelines, call),
    count: (ranges, call) => counter.count(ranges, call),
    update: (timeline, seqId, payload, ifRevision, call) => modifier.update(timeline, seqId, payload, ifRevision, call),
    delete: (timeline, seqId, call) => modifier.delete(timeline, seqId, call),
    trim: (timeline, cut, call) => modifier.trim(timeline, cut, call),
    drop: (timeline, call) => dropper.drop(timeline, call),
    timelines: (range, call) => reader.timelines(range, call),
    checkpoints: new ReaderPositions(library),
    watch: (timeline, wake) => commitWatch.watch(state.id, timeline, wake),
    publish: async (topic, payload) => signals.publish(topic, payload),
    listen: (topic, hear) => signals.listen(topic, hear),
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
    drop: true,
    timelines: true,
    checkpoints: true,
    signals: 'process',
    minTtlMs: 1,
    budgetMs: settings.busyTimeoutMs,
    wakeWithinMs: 2 * settings.wakeMs,
    durability: database.memory ? 'none' : survives,
    readOnly: database.readonly,
  };
}
