import { randomBytes } from 'node:crypto';
import type { AdapterLibrary, Capabilities, LibraryOptions } from '../../src/adapter.js';
import { Appender } from './append.js';
import { Checkpoints } from './checkpoints.js';
import type { Connections } from './connection.js';
import { Keyspace } from './keys.js';
import { Modifier } from './modify.js';
import type { RedisSettings } from './options.js';
import { Reader } from './read.js';
import { Registry } from './registry.js';
import { Settler } from './settle.js';
import { Sweeper } from './sweep.js';
import type { Watchers } from './watch.js';

/** What the parts of one open library share. */
export class LibraryContext {
  readonly keys: Keyspace;
  readonly now: () => number;
  readonly #lives = `${randomBytes(6).toString('base64url')}`;
  #lifeCount = 0;

  constructor(
    readonly connections: Connections,
    readonly options: LibraryOptions,
    readonly settings: RedisSettings,
  ) {
    this.keys = new Keyspace(settings.prefix, options.name, connections.client.isCluster);
    this.now = () => options.clock.entryTime();
  }

  /** Entries appended at or before it have expired; below all times if there is no TTL. */
  cutoff(): number {
    return this.options.ttlMs === undefined ? Number.NEGATIVE_INFINITY : this.now() - this.options.ttlMs;
  }

  /** The cutoff as scripts take it. */
  cutoffArgument(): string {
    return this.options.ttlMs === undefined ? '' : String(this.cutoff());
  }

  /** The second half of an epoch, should one begin; never given twice. */
  born(): string {
    return `${this.#lives}${(this.#lifeCount++).toString(36)}`;
  }
}

export function openLibrary(
  connections: Connections,
  watchers: Watchers,
  options: LibraryOptions,
  settings: RedisSettings,
  durability: Capabilities['durability'],
  release: () => void,
): AdapterLibrary {
  const library = new LibraryContext(connections, options, settings);
  const settler = new Settler(library);
  const reader = new Reader(library, settler);
  const registry = new Registry(library, reader);
  const appender = new Appender(library, registry);
  const modifier = new Modifier(library);
  const sweeper = new Sweeper(library, registry, settler);
  sweeper.start();
  return {
    capabilities: capabilities(settings, connections.client.isCluster, durability),
    maxInFlight: 4,
    append: (writes) => appender.append(writes),
    read: (ranges) => reader.read(ranges),
    heads: (timelines) => reader.heads(timelines),
    update: (timeline, seqId, payload, ifRevision) => modifier.update(timeline, seqId, payload, ifRevision),
    delete: (timeline, seqId) => modifier.delete(timeline, seqId),
    trim: (timeline, cut) => settler.trim(timeline, cut),
    timelines: (range) => registry.list(range),
    checkpoints: new Checkpoints(library),
    watch: (timeline, wake) => watchers.add(library.keys, timeline, wake),
    close: async () => {
      await sweeper.close();
      release();
    },
  };
}

function capabilities(settings: RedisSettings, cluster: boolean, durability: Capabilities['durability']): Capabilities {
  return {
    adapter: 'redis',
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
    budgetMs: settings.waitMs,
    wakeWithinMs: cluster ? 2 * settings.wakeMs + 20 : 50,
    durability,
    readOnly: false,
  };
}
