/** Opens the store that the chat runs on. */
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { memoryAdapter } from 'timeline-model/memory';
import { redisAdapter } from 'timeline-model/redis';
import { sqliteAdapter } from 'timeline-model/sqlite';
import { KEPT_MS } from './kept.js';
import type { OpenStore } from './open-store.js';
import { startRedisServer } from './redis-server.js';
import { openTablestore } from './tablestore.js';
import { temporaryFolder } from './temporary-folder.js';
import { UsageError } from './usage-error.js';

export const STORES: readonly string[] = ['sqlite', 'redis', 'tablestore', 'memory'];

/** Opens a store; `db` is the SQLite file, by default a temporary one. */
export async function openStore(name: string, db: string | undefined): Promise<OpenStore> {
  if (name === 'sqlite') return openSqlite(db);
  if (name === 'redis') return openRedis(process.env.REDIS_URL);
  if (name === 'tablestore') return openTablestore(process.env);
  return { adapter: memoryAdapter(), close: async () => {} };
}

function openSqlite(db: string | undefined): OpenStore {
  const file = db ?? join(temporaryFolder(), 'chat.db');
  return {
    adapter: sqliteAdapter(file, { keyWindowMs: KEPT_MS }),
    place: { kind: 'database', name: file, note: db === undefined ? 'temporary, removed at the end' : '' },
    close: async () => {},
  };
}

async function openRedis(url: string | undefined): Promise<OpenStore> {
  if (url) {
    if (!/^rediss?:\/\/./.test(url) || !URL.canParse(url))
      throw new UsageError('REDIS_URL must be like redis://localhost:6379');
    const client = await connect(new Redis(url, { lazyConnect: true, retryStrategy: null }));
    const { host, port } = client.options;
    return {
      adapter: adapterOn(client),
      place: { kind: 'server', name: `${host}:${port}`, note: `of REDIS_URL, keys ${PREFIX}*` },
      close: async () => client.disconnect(),
    };
  }
  const server = await startRedisServer();
  const client = await connect(new Redis(server.path, { lazyConnect: true, retryStrategy: null }));
  return {
    adapter: adapterOn(client),
    place: { kind: 'server', name: server.path, note: 'of its own, stopped at the end' },
    close: async () => {
      client.disconnect();
      await server.stop();
    },
  };
}

/** Separates the example's keys from others on the server. */
const PREFIX = 'group-chat:';

const adapterOn = (client: Redis) => redisAdapter(client, { prefix: PREFIX, keyWindowMs: KEPT_MS });

async function connect(client: Redis): Promise<Redis> {
  let reason = '';
  client.on('error', (error) => {
    reason = error.message;
  });
  await client.connect().catch((error: Error) => {
    const { host, port, path } = client.options;
    throw new UsageError(`cannot reach Redis at ${path ?? `${host}:${port}`}: ${reason || error.message}`);
  });
  return client;
}
