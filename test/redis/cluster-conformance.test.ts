import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Cluster } from 'ioredis';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { redisAdapter } from '../../adapters/redis/index.js';
import { Keyspace } from '../../adapters/redis/keys.js';
import type { TimelineAdapter } from '../../src/adapter.js';
import { describeAdapter } from '../../testing/index.js';
import { bundled } from '../support/bundled.js';
import { nightly } from '../support/nightly.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { hasRedis } from '../support/redis-server.js';

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));
const prefixes = new Map<TimelineAdapter, string>();
let cluster: RedisCluster;
let client: Cluster;

function adapterOn(prefix: string): TimelineAdapter {
  const adapter = redisAdapter(client, { prefix, sweepMs: 200 });
  prefixes.set(adapter, prefix);
  return adapter;
}

function prefixOf(adapter: TimelineAdapter): string {
  return prefixes.get(adapter) as string;
}

describe.skipIf(!hasRedis())('a Cluster of three masters', () => {
  beforeAll(async () => {
    cluster = await RedisCluster.start();
    client = cluster.connect();
  });

  afterAll(async () => {
    client?.disconnect();
    await cluster?.stop();
  });

  describeAdapter(
    { describe, it },
    {
      name: 'redis cluster',
      eachNthRange: nightly ? 1 : 20,
      create: () => adapterOn(`${randomUUID()}:`),
      reopen: (adapter) => adapterOn(prefixOf(adapter)),
      fork: (adapter) => {
        const port = String(cluster.nodes[0]?.server.port);
        return fork(bundled(CHILD), [port, prefixOf(adapter), 'cluster']);
      },
      physicalEntries: (adapter, library, timeline) =>
        client.xlen(new Keyspace(prefixOf(adapter), library, true).key(timeline, 's')),
    },
  );
});
