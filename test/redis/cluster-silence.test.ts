import { randomUUID } from 'node:crypto';
import type { Cluster } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashSlot } from '../../adapters/redis/connection/hash-slot.js';
import { redisAdapter } from '../../adapters/redis/index.js';
import { openTimelineStore } from '../../src/index.js';
import type { TimelineStore } from '../../src/types.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { hasRedis } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { ended } from './support.js';

const BUDGET_MS = 2000;

let cluster: RedisCluster;
let client: Cluster;
let store: TimelineStore<string>;
let prefix: string;

async function openStore(): Promise<TimelineStore<string>> {
  const adapter = redisAdapter(client, { prefix, waitMs: BUDGET_MS });
  return openTimelineStore<string>({ adapter, name: 'library', pollMs: 200, onWarning: () => {} });
}

beforeEach(async () => {
  if (!hasRedis()) return;
  prefix = `${randomUUID()}:`;
  cluster = await RedisCluster.start();
  client = cluster.connect();
  store = await openStore();
}, 60_000);

afterEach(async () => {
  await store?.close();
  client?.disconnect();
  await cluster?.stop();
});

describe.skipIf(!hasRedis())('a Cluster', () => {
  it('all nodes of which are killed ends every call, opening and closing by their budget', async () => {
    await store.appendToMany(['a', 'b', 'c', 'd'], 'first');
    await Promise.all(cluster.nodes.map(({ server }) => server.end('SIGKILL')));
    const calls = {
      append: () => store.timeline('a').append('m'),
      keyed: () => store.timeline('b').append('m', { key: 'k' }),
      read: () => store.timeline('c').read(),
      heads: () => store.heads(['a', 'b', 'c', 'd']),
      advance: () => store.timeline('d').checkpoint('phone').advance(1n),
      open: openStore,
    };
    const results = Object.entries(calls).map(async ([name, call]) => [name, await ended(call)] as const);
    for (const [name, { ms, error }] of await Promise.all(results)) {
      expect(ms, name).toBeLessThan(BUDGET_MS * 1.1);
      expect(error?.code, name).toMatch(/TIMELINE_(UNAVAILABLE|OUTCOME_UNKNOWN)/);
    }
    expect((await ended(() => store.close())).ms).toBeLessThan(BUDGET_MS * 1.1);
  });

  it('with a master that stands still goes on with the replica that takes over', async () => {
    const timeline = store.timeline('still');
    await timeline.append('first', { key: 'first' });
    const received: string[] = [];
    const abort = new AbortController();
    const following = (async () => {
      for await (const { message } of timeline.subscribe({ signal: abort.signal })) received.push(message);
    })().catch(() => {});
    await until('it is heard', () => received.length === 1);
    const master = await cluster.ownerOf(hashSlot('still'));
    master.server.pause();
    const { ms } = await ended(() => timeline.append('held', { key: 'held' }));
    expect(ms).toBeLessThan(BUDGET_MS * 1.1);
    await until(
      'the replica takes appends',
      () =>
        timeline.append('second', { key: 'second' }).then(
          () => true,
          () => false,
        ),
      20_000,
    );
    await until('it is heard', () => received.includes('second'), 7000);
    master.server.resume();
    abort.abort();
    await following;
  }, 60_000);
});
