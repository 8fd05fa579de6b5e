import { randomUUID } from 'node:crypto';
import type { Cluster } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hashSlot } from '../../adapters/redis/connection/hash-slot.js';
import { type RedisAdapterOptions, redisAdapter } from '../../adapters/redis/index.js';
import { openTimelineStore } from '../../src/index.js';
import type { TimelineStore } from '../../src/types.js';
import { type ClusterNode, RedisCluster } from '../support/redis-cluster.js';
import { hasRedis } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { expectAllOf, expectDense, expectEachOnce, Follower, readAll, Writer } from './load.js';
import { errorsOf } from './support.js';

let cluster: RedisCluster;
const clients: Cluster[] = [];
const stores: TimelineStore<string>[] = [];

async function openStore(options: RedisAdapterOptions = {}): Promise<TimelineStore<string>> {
  const client = cluster.connect();
  clients.push(client);
  const adapter = redisAdapter(client, { prefix: `${randomUUID()}:`, ...options });
  const store = await openTimelineStore<string>({ adapter, name: 'library', pollMs: 100, onWarning: () => {} });
  stores.push(store);
  return store;
}

function sameSlot(slot: number): string {
  for (let i = 0; ; i++) if (hashSlot(`flood${i}`) === slot) return `flood${i}`;
}

/** Waits until a node has sent another request on, or told it to try again, since its slot is on the move. */
async function requestMeetsMove(nodes: readonly ClusterNode[]): Promise<void> {
  const met = async () => {
    const counts = nodes.map(({ client }) => Promise.all(['ASK', 'TRYAGAIN'].map((code) => errorsOf(client, code))));
    return (await Promise.all(counts)).flat().reduce((sum, count) => sum + count, 0);
  };
  const before = await met();
  await until('a request meets the slot on the move', async () => (await met()) > before);
}

beforeAll(async () => {
  if (hasRedis()) cluster = await RedisCluster.start();
});

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  for (const client of clients.splice(0)) client.disconnect();
});

afterAll(() => cluster?.stop());

describe.skipIf(!hasRedis())('a slot that moves under load', () => {
  it('loses, repeats and refuses nothing', async () => {
    const store = await openStore();
    const timeline = store.timeline('moving');
    const slot = hashSlot('moving');
    await timeline.append('first');
    const { cursor } = await timeline.append('second');
    await timeline.update(1n, 'changed');
    const writer = new Writer(timeline, 'w', 4);
    const follower = new Follower(timeline);
    const from = await cluster.ownerOf(slot);
    const to = cluster.masters.find(({ id }) => id !== from.id)!;
    for (const [source, target] of [
      [from, to],
      [to, from],
    ] as const) {
      const before = writer.acknowledged.size;
      await until('the writer is at work', () => writer.acknowledged.size > before + 20);
      await cluster.moveSlot(slot, source, target, () => requestMeetsMove([source, target]));
    }
    const before = writer.acknowledged.size;
    await until('the writer is at work again', () => writer.acknowledged.size > before + 20);
    await writer.stop();
    const entries = await readAll(timeline);
    await until('the follower has all', () => follower.last === entries.at(-1)?.seqId);
    await follower.stop();
    expectAllOf(writer, entries);
    expect(follower.refusals).toEqual([]);
    expect(follower.segments[0]?.map(({ seqId }) => seqId)).toEqual(entries.map(({ seqId }) => seqId));
    expect((await timeline.read({ after: cursor, limit: 1 })).entries[0]?.seqId).toBe(3n);
    expect((await timeline.get(1n))?.message).toBe('changed');
    console.log(
      `resharding: ${writer.acknowledged.size} acknowledged, 0 lost, 0 repeated, 0 skipped, ` +
        `${writer.unknown} failed calls`,
    );
  });
});

describe.skipIf(!hasRedis())('a master that dies under load', () => {
  it('may lose what its replica did not have, but no reader skips or repeats: it goes on or is refused', async () => {
    const store = await openStore();
    const timeline = store.timeline('doomed');
    const slot = hashSlot('doomed');
    await timeline.append('first');
    const master = await cluster.ownerOf(slot);
    const replica = await cluster.replicaOf(master);
    const writer = new Writer(timeline, 'w', 8);
    const follower = new Follower(timeline);
    await until('the writer is at work', () => writer.acknowledged.size > 100);
    replica.server.pause();
    // A small flood would still reach the replica from the buffers of the connection; this one does not fit in.
    const flood = Array.from({ length: 150 }, () => store.timeline(sameSlot(slot)).append('x'.repeat(200_000)));
    await Promise.all(flood);
    const before = writer.acknowledged.size;
    await until(
      'the replica is behind',
      () => writer.acknowledged.size > before + 100 && follower.last > BigInt(before + 50),
    );
    await master.server.end('SIGKILL');
    replica.server.resume();
    await until('the replica has taken over', async () => (await cluster.ownerOf(slot)).id === replica.id, 20_000);
    const after = writer.acknowledged.size;
    await until('the writer is at work again', () => writer.acknowledged.size > after + 300, 20_000);
    await writer.stop();
    await master.server.start();
    const entries = await readAll(timeline);
    await until('the follower has all', () => follower.last === entries.at(-1)?.seqId);
    await follower.stop();
    expectDense(entries);
    for (const segment of follower.segments) {
      expectDense(segment);
      expectEachOnce(segment);
    }
    expect(follower.segments.at(-1)).toEqual(entries);
    const lost = [...writer.acknowledged].filter(([message, seqId]) => entries[Number(seqId) - 1]?.message !== message);
    expect(lost.length).toBeGreaterThan(0);
    expect(follower.refusals.length).toBeGreaterThan(0);
    const { size } = writer.acknowledged;
    console.log(
      `failover: ${size} acknowledged, ${lost.length} lost, 0 repeated, 0 skipped, refused with ${follower.refusals}`,
    );
  });

  it('loses nothing that was acknowledged with waitReplicas', async () => {
    const store = await openStore({ waitReplicas: 1, waitMs: 1000 });
    const timeline = store.timeline('kept');
    const slot = hashSlot('kept');
    await until('the write reaches a replica', () =>
      timeline.append('first', { key: 'first' }).then(
        () => true,
        () => false,
      ),
    );
    const master = await cluster.ownerOf(slot);
    const writer = new Writer(timeline, 'w', 8);
    await until('the writer is at work', () => writer.acknowledged.size > 100);
    await master.server.end('SIGKILL');
    await until('a replica has taken over', async () => (await cluster.ownerOf(slot)).id !== master.id, 20_000);
    await master.server.start();
    const after = writer.acknowledged.size;
    await until('the writer is at work again', () => writer.acknowledged.size > after + 100, 20_000);
    await writer.stop();
    const entries = await readAll(timeline);
    expectAllOf(writer, entries);
    console.log(`failover with waitReplicas: ${writer.acknowledged.size} acknowledged, 0 lost`);
  });
});
