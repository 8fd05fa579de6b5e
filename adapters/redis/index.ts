import type { AdapterLibrary, Call, Capabilities, LibraryOptions, TimelineAdapter } from '../../src/adapter.js';
import type { Nullable } from '../../src/entry-types.js';
import { invalidArgument } from '../../src/errors.js';
import { Appender } from './append.js';
import { EntryChanges } from './change.js';
import { Checkpoints } from './checkpoints.js';
import type { RedisClient } from './connection/client.js';
import { Connections } from './connection/connections.js';
import { Counter } from './count.js';
import { Dropper } from './drop.js';
import { toTimelineError } from './errors.js';
import { checkServer, inspectServer } from './inspect.js';
import { Keyspace } from './keys.js';
import { Library } from './library.js';
import { StoredSettings } from './library-settings.js';
import { type RedisAdapterOptions, type ResolvedOptions, resolveRedisOptions } from './options.js';
import { Reader } from './read.js';
import { Registry } from './registry.js';
import { Retention } from './retention.js';
import { ChannelListeners } from './signals.js';
import { LibrarySweeper } from './sweep.js';
import { Watchers } from './watch.js';

export type { RedisClient } from './connection/client.js';
export type { RedisAdapterOptions } from './options.js';

/**
 * Timelines in Redis 7 or later, each in a stream with its state beside it: on a single server, behind Sentinel, or in
 * a Cluster.
 *
 * The client is a `Redis` or `Cluster` of ioredis and stays yours. The adapter makes connections of its own like it:
 * one for commands, because ioredis by default sends again what may have been applied, and one that waits for new
 * entries while there are subscriptions. It closes both with its last library.
 *
 * `TIMELINE_INVALID_ARGUMENT` for another client, and for an option that does not exist or does not fit.
 *
 * @example
 * const redis = new Redis();
 * const store = await openTimelineStore({ adapter: redisAdapter(redis), name: 'inboxes' });
 */
export function redisAdapter(client: RedisClient, options?: Nullable<RedisAdapterOptions> | null): TimelineAdapter {
  if (typeof client?.call !== 'function' || typeof client.duplicate !== 'function') {
    throw invalidArgument('client', 'must be a Redis or Cluster of ioredis');
  }
  const resolved = resolveRedisOptions(options);
  const connections = new Connections(client, resolved.waitMs);
  const watchers = new Watchers(connections, resolved.wakeMs);
  const listeners = new ChannelListeners(connections);
  return {
    name: 'redis',
    budgetMs: resolved.waitMs,
    async open(libraryOptions) {
      connections.acquire();
      try {
        return await openLibrary(connections, { watchers, listeners }, libraryOptions, resolved, connections.newCall());
      } catch (error) {
        connections.release();
        throw toTimelineError(error, 'read');
      }
    },
  };
}

/** Shared by the libraries of one adapter. */
interface SharedParts {
  readonly watchers: Watchers;
  readonly listeners: ChannelListeners;
}

async function openLibrary(
  connections: Connections,
  shared: SharedParts,
  libraryOptions: LibraryOptions,
  options: ResolvedOptions,
  call: Call,
): Promise<AdapterLibrary> {
  const { name, warn } = libraryOptions;
  const keys = new Keyspace(options.prefix, name, connections.client.isCluster);
  await checkServer(connections, keys.settingsKey(), call);
  const settings = await StoredSettings.open(connections, keys, libraryOptions, options, call);
  const library = new Library(connections, settings, libraryOptions, options, keys);
  const registry = new Registry(library);
  const listed = await registry.count(call);
  const durability = await inspectServer(connections, keys.settingsKey(), listed, warn, call);
  if (settings.existed && listed === 0) registry.markIncomplete();
  return assemble(library, registry, shared, { warn, durability });
}

function assemble(
  library: Library,
  registry: Registry,
  { watchers, listeners }: SharedParts,
  { warn, durability }: { readonly warn: LibraryOptions['warn']; readonly durability: Capabilities['durability'] },
): AdapterLibrary {
  const { connections, keys, settings } = library;
  const retention = new Retention(library);
  const reader = new Reader(library, retention, registry);
  const counter = new Counter(library, retention, reader);
  const appender = new Appender(library, registry, retention);
  const changes = new EntryChanges(library);
  const dropper = new Dropper(library, watchers);
  const sweeper = new LibrarySweeper(library, registry, retention);
  const stopListening = connections.onConnected(() => keys.forget());
  sweeper.start();
  return {
    capabilities: capabilitiesOf(library, durability),
    get ttlMs() {
      return settings.ttlMs;
    },
    maxInFlight: 4,
    append: (writes, call) => appender.append(writes, call),
    read: (ranges, call) => reader.read(ranges, call),
    heads: (timelines, call) => reader.heads(timelines, call),
    count: (ranges, call) => counter.count(ranges, call),
    update: (timeline, seqId, payload, ifRevision, call) => changes.update(timeline, seqId, payload, ifRevision, call),
    delete: (timeline, seqId, call) => changes.delete(timeline, seqId, call),
    trim: (timeline, cut, call) => retention.trim(timeline, cut, call),
    drop: (timeline, call) => dropper.drop(timeline, call),
    timelines: (range, call) => reader.list(range, call),
    checkpoints: new Checkpoints(library),
    watch: (timeline, wake) => watchers.add(library, timeline, wake),
    publish: async (topic, payload, call) => {
      await connections.write.toServerOf(
        keys.key(topic, 'm'),
        'publish',
        [keys.channel(topic, connections), payload],
        call,
      );
    },
    listen: (topic, hear) => listeners.add(keys.channel(topic, connections), hear, warn),
    close: async () => {
      sweeper.close();
      stopListening();
      connections.release();
    },
  };
}

function capabilitiesOf({ options, settings, keys }: Library, durability: Capabilities['durability']): Capabilities {
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
    drop: true,
    timelines: true,
    checkpoints: true,
    signals: 'store',
    minTtlMs: 1,
    budgetMs: options.waitMs,
    wakeWithinMs: keys.isCluster ? 2 * options.wakeMs + 20 : 50,
    durability,
    readOnly: false,
  };
}
