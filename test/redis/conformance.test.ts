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
import { nightly } from '../support/nightly.js';
import { hasRedis, RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { PrefixedAdapters } from './support.js';

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));
let server: RedisServer;
let client: Redis;

const adapters = new PrefixedAdapters(() => client, { sweepMs: 200 });

/** A client whose connections go through a proxy. */
interface Path {
  readonly proxy: TcpProxy;
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
        const proxy = await TcpProxy.start(server.port);
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
      // Connections that went silent stay so: only new ones are answered afterwards.
      async silence(adapter) {
        const { proxy } = pathOf(adapter);
        proxy.silence();
        return async () => proxy.heal();
      },
      async stall(adapter) {
        pathOf(adapter).proxy.stall();
        return async () => {};
      },
    },
  );

  describeAdapter(
    { describe, it },
    {
      name: 'redis',
      eachNthRange: nightly ? 1 : 5,
      create: () => adapters.create(),
      reopen: (adapter) => adapters.reopen(adapter),
      fork: (adapter) => fork(bundled(CHILD), [String(server.port), adapters.prefixOf(adapter), 'server']),
      physicalEntries: (adapter, library, timeline) =>
        client.xlen(new Keyspace(adapters.prefixOf(adapter), library, false).key(timeline, 's')),
    },
  );
});
