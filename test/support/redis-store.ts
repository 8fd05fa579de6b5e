import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { type RedisAdapterOptions, redisAdapter } from '../../adapters/redis/index.js';
import { Keyspace } from '../../adapters/redis/keys.js';
import type { AdapterWarning } from '../../src/adapter.js';
import { openTimelineStore } from '../../src/index.js';
import { encodeTimelineId } from '../../src/timeline-id.js';
import type { TimelineStore, TimelineStoreOptions } from '../../src/types.js';
import type { RedisServer } from './redis-server.js';

export interface OpenOptions {
  readonly adapter?: RedisAdapterOptions;
  /** Instead of the server's own: a proxy's. */
  readonly port?: number;
  readonly user?: { readonly username: string; readonly password: string };
  readonly store?: Partial<TimelineStoreOptions<string>>;
}

/** A library on a server, a client beside it, and the keys that it uses. */
export class RedisStore {
  readonly warnings: AdapterWarning[] = [];
  readonly keys: Keyspace;

  private constructor(
    readonly server: RedisServer,
    readonly client: Redis,
    readonly prefix: string,
    readonly name: string,
  ) {
    this.keys = new Keyspace(prefix, name, false);
  }

  store!: TimelineStore<string>;

  static async open(server: RedisServer, options: OpenOptions = {}): Promise<RedisStore> {
    const prefix = options.adapter?.prefix ?? `${randomUUID()}:`;
    const client = new Redis({ port: options.port ?? server.port, retryStrategy: () => 50, ...options.user });
    client.on('error', () => {});
    const opened = new RedisStore(server, client, prefix, options.store?.name ?? 'library');
    opened.store = await openTimelineStore<string>({
      adapter: redisAdapter(client, { ...options.adapter, prefix }),
      name: opened.name,
      onWarning: (warning) => opened.warnings.push(warning),
      ...options.store,
    });
    return opened;
  }

  timeline(id = 'timeline') {
    return this.store.timeline(id);
  }

  /** The keys of a Timeline: stream and state. */
  streamKey(id = 'timeline'): string {
    return this.keys.key(encodeTimelineId(id), 's');
  }

  stateKey(id = 'timeline'): string {
    return this.keys.key(encodeTimelineId(id), 'm');
  }

  async close(): Promise<void> {
    await this.store.close();
    this.client.disconnect();
  }
}
