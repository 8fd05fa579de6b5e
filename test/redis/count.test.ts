import { beforeEach, describe, expect, it } from 'vitest';
import type { RedisServer } from '../support/redis-server.js';
import { hasRedis } from '../support/redis-server.js';
import type { RedisStore } from '../support/redis-store.js';
import { callsOf, openOn, startServer } from './support.js';

let server: RedisServer;

beforeEach(async () => {
  server = await startServer();
});

async function fill(redis: RedisStore, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1000) await redis.timeline().appendMany(Array(1000).fill('m'));
}

describe.skipIf(!hasRedis())('a count on Redis', () => {
  it('reads no entry where SeqIds have no gaps, with deleted entries and in a part of the Timeline', async () => {
    const redis = await openOn(server);
    await fill(redis, 2000);
    for (const seqId of [1n, 500n, 501n, 1999n]) await redis.timeline().delete(seqId);
    await redis.timeline().update(700n, 'x'.repeat(100_000));
    await redis.client.call('config', 'resetstat');
    expect(await redis.timeline().count()).toBe(1996);
    expect(await redis.timeline().count({ after: 499n, before: 800n })).toBe(298);
    expect(await redis.timeline().count({ after: 499n, atMost: 100 })).toBe(100);
    expect(await redis.store.countBatch([{ timeline: 'timeline' }, { timeline: 'none' }])).toEqual([1996, 0]);
    for (const command of ['xrange', 'xrevrange', 'hgetall', 'hmget'])
      expect(await callsOf(redis.client, command)).toBe(0);
  });

  it('takes several short steps where many entries were changed', async () => {
    const redis = await openOn(server);
    await fill(redis, 6000);
    const ids = Array.from({ length: 2500 }, (_, i) => BigInt(2 * i + 1));
    for (let i = 0; i < ids.length; i += 250)
      await Promise.all(ids.slice(i, i + 250).map((seqId) => redis.timeline().delete(seqId)));
    await redis.client.call('config', 'resetstat');
    expect(await redis.timeline().count()).toBe(3500);
    expect(await callsOf(redis.client, 'evalsha')).toBeGreaterThan(2);
    expect(await redis.timeline().count({ after: 10n, before: 5000n, atMost: 10_000 })).toBe(2494);
    expect(await redis.timeline().count({ atMost: 1500 })).toBe(1500);
    expect(await redis.timeline().count({ after: 4990n })).toBe(1005);
  });

  it('equals a read after the stream was lost, and after its state was', async () => {
    const redis = await openOn(server);
    await fill(redis, 1000);
    await redis.timeline().delete(7n);
    await redis.client.del(redis.stateKey());
    expect(await redis.timeline().count()).toBe(999);
    await redis.client.del(redis.streamKey());
    expect(await redis.timeline().count({ after: 10n })).toBe(0);
    await redis.timeline().append('next');
    expect(await redis.timeline().count()).toBe(1);
  });
});
