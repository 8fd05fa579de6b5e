import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Cluster } from 'ioredis';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { Keyspace } from '../../adapters/redis/keys.js';
import { describeAdapter, type Law } from '../../testing/index.js';
import { bundled } from '../support/bundled.js';
import { nightly } from '../support/nightly.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { hasRedis } from '../support/redis-server.js';
import { PrefixedAdapters } from './support.js';

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url));
let cluster: RedisCluster;
let client: Cluster;

/** Concern several Timelines or processes, so several masters. The others hold as on one server: nightly runs them. */
const ACROSS_MASTERS: readonly Law[] = [
  'Count',
  'Signals',
  'Idempotence',
  'Subscription',
  'Checkpoint',
  'Drop',
  'Isolation',
  'Batches',
  'Fan-out',
  'Listing',
  'Model',
];

const adapters = new PrefixedAdapters(() => client, { sweepMs: 200 });

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
      ...(!nightly && { laws: ACROSS_MASTERS }),
      create: () => adapters.create(),
      reopen: (adapter) => adapters.reopen(adapter),
      fork: (adapter) => {
        const port = String(cluster.nodes[0]?.server.port);
        return fork(bundled(CHILD), [port, adapters.prefixOf(adapter), 'cluster']);
      },
      physicalEntries: (adapter, library, timeline) =>
        client.xlen(new Keyspace(adapters.prefixOf(adapter), library, true).key(timeline, 's')),
    },
  );
});
