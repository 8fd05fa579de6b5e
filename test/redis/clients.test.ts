import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { type RedisClient, redisAdapter } from '../../adapters/redis/index.js';
import type { TimelineAdapter } from '../../src/adapter.js';
import { describeAdapter, type Law } from '../../testing/index.js';
import { nightly } from '../support/nightly.js';
import { hasRedis, RedisServer } from '../support/redis-server.js';

/** Whatever a command may answer otherwise, these would fail. */
const LAWS: readonly Law[] = [
  ...(['Idempotence', 'Update', 'Checkpoint', 'Fan-out', 'Listing', 'Bodies'] as const),
  ...(nightly ? (['Truncation', 'Expiry', 'Subscription'] as const) : []),
];

type Connect = (port: number) => RedisClient;

/** Its answers are those of ioredis 5. */
const resp2: [string, Connect] = ['RESP2', (port) => new Redis({ port, protocol: 2 })];
const CLIENTS: readonly [string, Connect][] = [
  ['ioredis 5', (port) => new Redis5(port)],
  ...(nightly ? [resp2] : []),
  ['answers as RESP3 has them', (port) => new Redis({ port, protocol: 3, replyMapping: 'resp3' })],
  [
    'a prefix, automatic pipelines and numbers as text',
    (port) => new Redis({ port, keyPrefix: 'app:', enableAutoPipelining: true, stringNumbers: true }),
  ],
];

let server: RedisServer;

describe.skipIf(!hasRedis())('clients that are set up otherwise', () => {
  beforeAll(async () => {
    server = await RedisServer.start({ persistence: 'aof' });
  });

  afterAll(() => server?.stop());

  for (const [name, connect] of CLIENTS) {
    const clients = new Map<TimelineAdapter, RedisClient>();
    describeAdapter(
      { describe, it },
      {
        name,
        laws: LAWS,
        create: () => {
          const client = connect(server.port);
          const adapter = redisAdapter(client, { prefix: `${randomUUID()}:` });
          clients.set(adapter, client);
          return adapter;
        },
        destroy: (adapter) => clients.get(adapter)?.disconnect(),
        log: () => {},
      },
    );
  }
});
