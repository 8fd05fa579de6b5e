import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TimelineStoreOptions } from '../../src/types.js';
import { hasRedis, RedisServer } from '../support/redis-server.js';
import type { RedisStore } from '../support/redis-store.js';
import { until } from '../support/until.js';
import { callsOf, openOn } from './support.js';

const DAY = 86_400_000;
let server: RedisServer;
let prefix: string;

beforeAll(async () => {
  if (hasRedis()) server = await RedisServer.start({ persistence: 'aof' });
});

afterAll(() => server?.stop());

function openStore(store: Partial<TimelineStoreOptions<string>>, isNew = false): Promise<RedisStore> {
  if (isNew) prefix = `${randomUUID()}:`;
  return openOn(server, { adapter: { prefix, sweepMs: 50 }, store });
}

/** Waits until the sweepers have walked the registry several times. */
async function rounds({ client }: RedisStore): Promise<void> {
  const before = await callsOf(client, 'zrangebylex');
  await until('the registry was walked', async () => (await callsOf(client, 'zrangebylex')) > before + 4);
}

describe.skipIf(!hasRedis())('a wrong clock of a process', () => {
  it('removes nothing, whether it jumps or only opens the library', async () => {
    let ahead = 0;
    const redis = await openStore({ ttlMs: 7 * DAY, now: () => Date.now() + ahead }, true);
    const { cursor } = await redis.timeline().append('kept', { key: 'k' });
    ahead = 30 * DAY;
    await openStore({ now: () => Date.now() + 30 * DAY });
    await rounds(redis);
    expect((await redis.timeline().read()).entries).toHaveLength(1);
    expect(await redis.timeline().append('kept', { key: 'k' })).toMatchObject({ duplicate: true });
    await redis.timeline().append('next');
    ahead = 0;
    const { entries } = await redis.timeline().read();
    expect(entries.map(({ message }) => message)).toEqual(['kept', 'next']);
    for (const { appendedAt } of entries) expect(Math.abs(appendedAt - Date.now())).toBeLessThan(60_000);
    expect((await redis.timeline().read({ after: cursor })).truncated).toBeUndefined();
    expect(await redis.client.xlen(redis.streamKey())).toBe(2);
  });

  it('leaves whole milliseconds', async () => {
    for (const clockToleranceMs of [300_000, Infinity]) {
      const redis = await openStore({ now: () => performance.timeOrigin + performance.now(), clockToleranceMs }, true);
      await redis.timeline().append('one', { key: 'k' });
      await redis.timeline().append('two');
      expect((await redis.timeline().read()).entries).toHaveLength(2);
      expect(await redis.client.get(redis.stateKey())).toMatch(/^\d{16} 2 /);
    }
  });

  it('that gives no time does no harm after opening', async () => {
    let now: () => number = Date.now;
    const redis = await openStore({ now: () => now() }, true);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
      now = () => bad;
      await redis.timeline().append('m');
    }
    expect((await redis.timeline().read()).entries).toHaveLength(3);
  });
});

describe.skipIf(!hasRedis())('a Timeline with entries of the future', () => {
  /** Writes the rows that a clock 400 days ahead left behind when times were the largest so far. */
  async function poison(redis: RedisStore, times: readonly number[]): Promise<void> {
    const { epoch } = await redis.timeline().head();
    await redis.client.del(redis.streamKey());
    for (const [i, at] of times.entries())
      await redis.client.xadd(redis.streamKey(), `0-${i + 1}`, `t${at}`, `"m${i + 1}"`);
    const state = [
      String(times.at(-1)).padStart(16, '0'),
      times.length,
      '-'.repeat(8),
      epoch,
      1,
      times[0],
      0,
      '-',
      '-',
    ];
    await redis.client.set(redis.stateKey(), state.join(' '));
  }

  it('shows sane times, and takes sane ones again', async () => {
    const redis = await openStore({}, true);
    await redis.timeline().append('m');
    const now = Date.now();
    await poison(redis, [now - 2000, now - 1000, now + 400 * DAY, now + 400 * DAY]);
    const times = async (options = {}) =>
      (await redis.timeline().read(options)).entries.map(({ appendedAt }) => appendedAt - now);
    for (const at of await times()) expect(at).toBeLessThan(10_000);
    await redis.timeline().append('healed');
    const [healed] = await times({ reverse: true, limit: 1 });
    expect(healed).toBeLessThan(10_000);
    expect(await times()).toEqual([-2000, -1000, healed, healed, healed]);
    expect(await times({ reverse: true })).toEqual([healed, healed, healed, -1000, -2000]);
    expect((await redis.timeline().update(3n, 'changed')).appendedAt - now).toBeLessThan(10_000);
  });

  it('expires again: by reads, and physically, over runs of such entries', async () => {
    const redis = await openStore({ ttlMs: 2000 }, true);
    await redis.timeline().append('m');
    const now = Date.now();
    const future = now + 400 * DAY;
    const old = Array.from({ length: 50 }, (_, i) => now - 3000 + i);
    const run = Array(200).fill(future);
    const young = Array.from({ length: 20 }, (_, i) => now + 500 + i);
    await poison(redis, [...old, ...run, ...young, ...run]);
    expect((await redis.timeline().read({ limit: 1 })).entries[0]?.seqId).toBe(51n);
    await until('all of it is gone', async () => (await redis.client.xlen(redis.streamKey())) === 0, 8000);
    expect((await redis.timeline().head()).firstSeqId).toBe(471n);
    expect(Date.now() - now).toBeGreaterThan(2000);
  });

  it('that begins with them expires too', async () => {
    const redis = await openStore({ ttlMs: 1000 }, true);
    await redis.timeline().append('m');
    await poison(redis, Array(30).fill(Date.now() + 400 * DAY));
    await redis.timeline().append('after');
    await until('all of it is gone', async () => (await redis.timeline().read()).entries.length === 0, 5000);
  });
});

describe.skipIf(!hasRedis())('settings that stand', () => {
  it('are refused otherwise, taken when left out, and changed with alter', async () => {
    const redis = await openStore({ ttlMs: 7 * DAY }, true);
    await redis.timeline().append('m');
    await expect(openStore({ ttlMs: 1000 })).rejects.toMatchObject({
      code: 'TIMELINE_INVALID_ARGUMENT',
      argument: 'ttlMs',
      expected: 1000,
      actual: 7 * DAY,
    });
    const same = await openStore({});
    expect(same.store.ttlMs).toBe(7 * DAY);
    const altered = await openStore({ ttlMs: Infinity, alter: true });
    expect(altered.store.ttlMs).toBeUndefined();
    await until('the others follow', () => redis.store.ttlMs === undefined && same.store.ttlMs === undefined);
    await openStore({ ttlMs: 400, alter: true });
    await until('they follow again', () => redis.store.ttlMs === 400);
    await until('and remove by it', async () => (await redis.client.xlen(redis.streamKey())) === 0);
  });

  it('are written again when they were lost, as they stand in the process', async () => {
    const redis = await openStore({ ttlMs: 7 * DAY }, true);
    await redis.client.del(redis.keys.settingsKey());
    await until('they are back', async () => (await redis.client.exists(redis.keys.settingsKey())) === 1);
    expect(JSON.parse(String(await redis.client.get(redis.keys.settingsKey())))).toMatchObject({ ttlMs: 7 * DAY });
  });

  it('are one for many who create the library at once', async () => {
    prefix = `${randomUUID()}:`;
    const opened = await Promise.allSettled([1, 2, 3, 4, 5, 6].map((days) => openStore({ ttlMs: days * DAY })));
    const [winner, ...others] = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(others).toEqual([]);
    const stored = JSON.parse(String(await winner?.client.get(winner.keys.settingsKey())));
    expect(stored.ttlMs).toBe(winner?.store.ttlMs);
  });
});
