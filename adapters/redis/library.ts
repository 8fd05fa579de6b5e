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
import type { Standing } from './standing.js';
import { Sweeper } from './sweep.js';
import type { Watchers } from './watch.js';

/** What the parts of one open library share. */
export class LibraryContext {
  readonly connections: Connections;
  readonly standing: Standing;
  readonly clock: LibraryOptions['clock'];
  readonly settings: RedisSettings;
  readonly keys: Keyspace;
  readonly #lives = `${randomBytes(6).toString('base64url')}`;
  #lifeCount = 0;

  constructor(connections: Connections, standing: Standing, { name, clock }: LibraryOptions, settings: RedisSettings) {
    this.connections = connections;
    this.standing = standing;
    this.clock = clock;
    this.settings = settings;
    this.keys = new Keyspace(settings.prefix, name, connections.client.isCluster);
  }

  /** Entries appended at or before it have expired; below all times if there is no TTL. */
  cutoff(): number {
    const { ttlMs } = this.standing;
    return ttlMs === undefined ? Number.NEGATIVE_INFINITY : this.clock.expiryTime() - ttlMs;
  }

  /**
   * The same as scripts take it, with the latest time that a right clock may have given and the time of what is found
   * to be later.
   */
  expiry(): [cutoff: string, latest: string, now: string] {
    const { clock } = this;
    return [
      this.standing.ttlMs === undefined ? '' : String(this.cutoff()),
      String(clock.latestTime()),
      String(clock.entryTime()),
    ];
  }

  /** The second half of an epoch, should one begin; never given twice. */
  born(): string {
    return `${this.#lives}${(this.#lifeCount++).toString(36)}`;
  }
}

export interface OpenLibraryParts {
  readonly connections: Connections;
  readonly watchers: Watchers;
  readonly standing: Standing;
  readonly options: LibraryOptions;
  readonly settings: RedisSettings;
  readonly durability: Capabilities['durability'];
  /** Timelines that were listed when it was opened. */
  readonly listed: number;
}

export function openLibrary(parts: OpenLibraryParts): AdapterLibrary {
  const { connections, watchers, standing, options, settings, durability, listed } = parts;
  const library = new LibraryContext(connections, standing, options, settings);
  const settler = new Settler(library);
  const registry = new Registry(library);
  const reader = new Reader(library, settler, registry);
  const appender = new Appender(library, registry, settler);
  const modifier = new Modifier(library);
  const sweeper = new Sweeper(library, registry, settler);
  const stopHearing = connections.onRenewed(() => library.keys.forget());
  if (standing.isOld && listed === 0) registry.suspect();
  sweeper.start();
  return {
    capabilities: capabilities(settings, standing, connections.client.isCluster, durability),
    get ttlMs() {
      return standing.ttlMs;
    },
    maxInFlight: 4,
    append: (writes, call) => appender.append(writes, call),
    read: (ranges, call) => reader.read(ranges, call),
    heads: (timelines, call) => reader.heads(timelines, call),
    update: (timeline, seqId, payload, ifRevision, call) => modifier.update(timeline, seqId, payload, ifRevision, call),
    delete: (timeline, seqId, call) => modifier.delete(timeline, seqId, call),
    trim: (timeline, cut, call) => settler.trim(timeline, cut, call),
    timelines: (range, call) => reader.list(range, call),
    checkpoints: new Checkpoints(library),
    watch: (timeline, wake) => watchers.add(library.keys, timeline, wake),
    close: async () => {
      sweeper.close();
      stopHearing();
      connections.release();
    },
  };
}

function capabilities(
  settings: RedisSettings,
  standing: Standing,
  cluster: boolean,
  durability: Capabilities['durability'],
): Capabilities {
  return {
    adapter: 'redis',
    dense: true,
    visibility: 'strict',
    atomicBatch: 1000,
    maxAtomicBytes: 4 * 2 ** 20,
    maxBodyBytes: 2 ** 20,
    keyWindowMs: standing.keyWindowMs,
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
