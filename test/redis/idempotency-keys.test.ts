import { beforeEach, describe, expect, it } from 'vitest';
import { hasRedis, type RedisServer } from '../support/redis-server.js';
import type { OpenOptions } from '../support/redis-store.js';
import { openOn, startServer } from './support.js';

let server: RedisServer;

beforeEach(async () => {
  server = await startServer();
});

const openStore = (options: OpenOptions = {}) => openOn(server, options);

describe.skipIf(!hasRedis())('idempotency keys', () => {
  it('take no more than their window needs, however long keys are used', async () => {
    let now = 1_000_000_000;
    const redis = await openStore({
      adapter: { keyWindowMs: 1_000_000 },
      store: { now: () => now, clockToleranceMs: Infinity },
    });
    const keys = redis.keys.key('timeline', 'k');
    let most = 0;
    for (let round = 0; round < 60; round++) {
      const appends = Array.from({ length: 40 }, (_, i) => redis.timeline().append('m', { key: `${round}-${i}` }));
      await Promise.all(appends);
      for (let i = 0; i < 10; i++) await redis.timeline().append('m', { key: `${round}-alone-${i}` });
      now += 100_000;
      most = Math.max(most, await redis.client.hlen(keys));
    }
    // A window has 500 of them.
    expect(most).toBeLessThan(1000);
    expect(await redis.client.pttl(keys)).toBeLessThan(1_070_000);
    expect((await redis.timeline().append('m', { key: '59-1' })).duplicate).toBe(true);
    expect((await redis.timeline().append('m', { key: '52-1' })).duplicate).toBe(true);
    expect((await redis.timeline().append('m', { key: '40-1' })).duplicate).toBe(false);
  });

  it('are forgotten although the first of them is used again after its window', async () => {
    let now = 1_000_000_000;
    const redis = await openStore({
      adapter: { keyWindowMs: 1_000_000 },
      store: { now: () => now, clockToleranceMs: Infinity },
    });
    const append = (key: string) => redis.timeline().append('m', { key });
    await append('again');
    for (let i = 0; i < 100; i++) await append(`old-${i}`);
    now += 1_000_001;
    expect((await append('again')).duplicate).toBe(false);
    for (let i = 0; i < 200; i++) await append(`new-${i}`);
    const fields = await redis.client.hkeys(redis.keys.key('timeline', 'k'));
    expect(fields.filter((field) => field.startsWith('old-'))).toEqual([]);
    expect((await append('again')).duplicate).toBe(true);
  });

  it('are not forgotten by a clock that goes back for two windows', async () => {
    let now = 10_000_000;
    const redis = await openStore({
      adapter: { keyWindowMs: 1000_000 },
      store: { now: () => now, clockToleranceMs: Infinity },
    });
    await redis.timeline().append('m', { key: 'k' });
    now -= 2_500_000;
    expect((await redis.timeline().append('m', { key: 'k' })).duplicate).toBe(true);
    now += 2_500_000;
    expect((await redis.timeline().append('m', { key: 'k' })).duplicate).toBe(true);
  });

  it('of a Timeline that was lost are not known any more', async () => {
    const redis = await openStore();
    await redis.timeline().append('m', { key: 'k' });
    await redis.client.del(redis.streamKey(), redis.stateKey());
    expect(await redis.timeline().append('m', { key: 'other' })).toMatchObject({ seqId: 1n, duplicate: false });
    expect(await redis.timeline().append('m', { key: 'k' })).toMatchObject({ seqId: 2n, duplicate: false });
  });
});
