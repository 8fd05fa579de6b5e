import { beforeEach, describe, expect, it } from 'vitest';
import { hasRedis, type RedisServer } from '../support/redis-server.js';
import type { OpenOptions, RedisStore } from '../support/redis-store.js';
import { until } from '../support/until.js';
import { openOn, startServer } from './support.js';

let server: RedisServer;

beforeEach(async () => {
  server = await startServer();
});

const openStore = (options: OpenOptions = {}) => openOn(server, options);

/** Sets the limit of memory to what is used now, or by so many bytes above or below. */
async function fillMemory({ client }: RedisStore, more = 0): Promise<void> {
  const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
  await client.config('SET', 'maxmemory-policy', 'noeviction');
  await client.config('SET', 'maxmemory', String(used + more));
}

describe.skipIf(!hasRedis())('a server without memory left (noeviction)', () => {
  it('takes appends again once entries have expired: the sweeper needs no memory', async () => {
    const redis = await openStore({ adapter: { sweepMs: 100 }, store: { ttlMs: 1500, retry: { attempts: 1 } } });
    for (let i = 0; i < 20; i++) await redis.timeline(`t${i}`).appendMany(Array(100).fill('x'.repeat(1000)));
    await fillMemory(redis);
    await expect(redis.timeline('new').append('m')).rejects.toMatchObject({
      code: 'TIMELINE_BUSY',
      outcome: 'not-applied',
    });
    await until('expired entries are gone', async () => (await redis.client.xlen(redis.streamKey('t0'))) === 0, 6000);
    for (const [timeline, seqId] of [
      ['new', 1n],
      ['t0', 101n],
    ] as const) {
      const append = () => redis.timeline(timeline).append('m', { key: 'm' });
      const isTaken = () =>
        append().then(
          () => true,
          () => false,
        );
      await until(`there is memory for an append to ${timeline}`, isTaken, 6000);
      expect((await append()).seqId).toBe(seqId);
    }
  });

  it('takes an append to a Timeline of which enough has expired, before any sweep', async () => {
    let now = Date.now();
    const redis = await openStore({
      adapter: { sweepMs: 60_000 },
      store: { ttlMs: 300, retry: { attempts: 1 }, now: () => now, clockToleranceMs: Infinity },
    });
    const timeline = redis.timeline();
    for (let i = 0; i < 10; i++) await timeline.appendMany(Array(100).fill('x'.repeat(1000)));
    now += 400;
    await fillMemory(redis, -10_000);
    expect((await timeline.append('plain')).seqId).toBe(1001n);
    expect((await timeline.read({ after: 1n })).truncated).toEqual({ through: 1000n });
  });
});
