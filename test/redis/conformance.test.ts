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
import { RedisProxy } from '../support/redis-proxy.js';
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

/** A client whose connections go through a proxy. */
interface Path {
  readonly proxy: RedisProxy;
  readonly client: Redis;
  readonly prefix: string;
}

const paths = new Map<TimelineAdapter, Path>();

function behind(path: Path): TimelineAdapter {
  const adapter = redisAdapter(path.client, { prefix: path.prefix, waitMs: 1500, sweepMs: 200 });
  paths.set(adapter, path);
  return adapter;
}

function pathOf(adapter: TimelineAdapter): Path {
  return paths.get(adapter) as Path;
}

/** Connections that went silent stay so: only new ones are answered afterwards. */
async function silence(adapter: TimelineAdapter, options: { all: boolean }): Promise<() => Promise<void>> {
  const { proxy } = pathOf(adapter);
  proxy.silence(options);
  return async () => proxy.forwardAgain();
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
      name: 'redis, silent',
      laws: ['Budget'],
      async create() {
        const proxy = await RedisProxy.start(server.port);
        const own = new Redis(proxy.port);
        own.on('error', () => {});
        const path = { proxy, client: own, prefix: `${randomUUID()}:` };
        return behind(path);
      },
      reopen: (adapter) => behind(pathOf(adapter)),
      async destroy(adapter) {
        pathOf(adapter).client.disconnect();
        await pathOf(adapter).proxy.stop();
      },
      silence: (adapter) => silence(adapter, { all: true }),
      stall: (adapter) => silence(adapter, { all: false }),
    },
  );

  describeAdapter(
    { describe, it },
    {
      name: 'redis',
      create: () => adapterOn(`${randomUUID()}:`),
      reopen: (adapter) => adapterOn(prefixOf(adapter)),
      fork: (adapter) => fork(bundled(CHILD), [String(server.port), prefixOf(adapter), 'server']),
      physicalEntries: (adapter, library, timeline) =>
        client.xlen(new Keyspace(prefixOf(adapter), library, false).key(timeline, 's')),
    },
  );
});
