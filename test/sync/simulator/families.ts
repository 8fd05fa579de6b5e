import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { memoryAdapter } from '../../../adapters/memory/index.js';
import { redisAdapter } from '../../../adapters/redis/index.js';
import { sqliteAdapter } from '../../../adapters/sqlite/index.js';
import type { TableStoreAdapterOptions } from '../../../adapters/tablestore/index.js';
import type { TimelineAdapter } from '../../../src/adapter.js';
import { RedisServer } from '../../support/redis-server.js';
import { TablestoreWorld } from '../../support/tablestore-store.js';

/** The adapters of one process: for the store library and for the sync library. */
export interface Adapters {
  readonly store: TimelineAdapter;
  readonly sync: TimelineAdapter;
}

/** Fresh data that any number of processes connect to. */
export interface Data {
  connect(): Adapters;
  dispose(): Promise<void>;
}

/** A kind of database. */
export interface Family {
  readonly name: string;
  create(): Promise<Data>;
  close(): Promise<void>;
}

export const FAMILIES = {
  memory: async (): Promise<Family> => ({
    name: 'memory',
    async create() {
      const adapter = memoryAdapter({ keyWindowMs: KEY_WINDOW_MS });
      return { connect: () => ({ store: adapter, sync: adapter }), dispose: async () => undefined };
    },
    close: async () => undefined,
  }),
  /** Both libraries in one file. */
  'sqlite-one': async () => sqliteFamily('sqlite-one', ['both.db', 'both.db']),
  'sqlite-two': async () => sqliteFamily('sqlite-two', ['store.db', 'sync.db']),
  redis: redisFamily,
  /** Conversations with dense ids; inboxes with ids of the service, which many may write to. */
  tablestore: async () => ({ name: 'tablestore', create: createTablestore, close: async () => undefined }),
} satisfies Record<string, () => Promise<Family>>;

/** Longer than the clock of any run advances, and than it differs from the real one, so that no key is forgotten. */
const KEY_WINDOW_MS = 10_000 * 24 * 3_600_000;

function sqliteFamily(name: string, files: readonly [string, string]): Family {
  return {
    name,
    async create() {
      const directory = mkdtempSync(join(tmpdir(), 'timeline-simulator-'));
      const connect = (file: string) =>
        sqliteAdapter(join(directory, file), { synchronous: 'normal', keyWindowMs: KEY_WINDOW_MS });
      return {
        connect: () => ({ store: connect(files[0]), sync: connect(files[1]) }),
        dispose: async () => rmSync(directory, { recursive: true, force: true }),
      };
    },
    close: async () => undefined,
  };
}

async function redisFamily(): Promise<Family> {
  const server = await RedisServer.start();
  let worlds = 0;
  let open = 0;
  return {
    name: 'redis',
    async create() {
      const prefix = `w${++worlds}:`;
      const clients: Redis[] = [];
      open++;
      return {
        connect() {
          const client = new Redis({ port: server.port });
          clients.push(client);
          const adapter = redisAdapter(client, { prefix, keyWindowMs: KEY_WINDOW_MS });
          return { store: adapter, sync: adapter };
        },
        async dispose() {
          if (--open === 0) await clients[0]?.flushall();
          for (const client of clients) client.disconnect();
        },
      };
    },
    close: () => server.stop(),
  };
}

/** The service has its own clock: it follows the clock of the processes, but never goes back. */
async function createTablestore(): Promise<Data> {
  let now = () => 0;
  let latest = 0;
  const clock = () => {
    latest = Math.max(latest, now());
    return latest;
  };
  const world = await TablestoreWorld.start({ keyWindowMs: KEY_WINDOW_MS }, { now: clock });
  const connect = (options: TableStoreAdapterOptions): TimelineAdapter => {
    const adapter = world.adapter(options);
    return {
      name: adapter.name,
      open(library) {
        now = () => library.clock.entryTime();
        return adapter.open(library);
      },
    };
  };
  return {
    connect: () => ({ store: connect({ sequence: 'cas' }), sync: connect({ sequence: 'auto', settleMs: 20 }) }),
    dispose: () => world.close(),
  };
}
