import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { redisAdapter } from '../../adapters/redis/index.js';
import { Keyspace } from '../../adapters/redis/keys.js';
import type { TimelineAdapter } from '../../src/adapter.js';
import { describeAdapter } from '../../testing/index.js';
import { bundled } from '../support/bundled.js';
import { hasRedis, RedisServer } from '../support/redis-server.js';

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));
const prefixes = new Map<TimelineAdapter, string>();
let server: RedisServer;
let client: Redis;

function adapterOn(prefix: string): TimelineAdapter {
  const adapter = redisAdapter(client, { prefix, sweepMs: 200 });
  prefixes.set(adapter, prefix);
  return adapter;
}

function prefixOf(adapter: TimelineAdapter): string {
  return prefixes.get(adapter) as string;
}

describe.skipIf(!hasRedis())('a single server', () => {
  beforeAll(async () => {
    server = await RedisServer.start({ persistence: 'aof' });
    client = new Redis(server.port);
  });

  afterAll(async () => {
    client?.disconnect();
    await server?.stop();
  });

  describeAdapter(
    { describe, it },
    {
      name: 'redis',
      create: () => adapterOn(`${randomUUID()}:`),
      reopen: (adapter) => adapterOn(prefixOf(adapter)),
      fork: (adapter) => fork(bundled(CHILD), [String(server.port), prefixOf(adapter), 'server']),
      physicalEntries: (adapter, library, timeline) =>
        client.xlen(new Keyspace(prefixOf(adapter), library, false).stream(timeline)),
    },
  );
});
