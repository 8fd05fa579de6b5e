import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Timeline } from '../../src/types.js';
import { hasRedis, RedisServer } from '../support/redis-server.js';
import type { OpenOptions } from '../support/redis-store.js';
import { callsOf, openOn } from './support.js';

let server: RedisServer;

beforeAll(async () => {
  if (hasRedis()) server = await RedisServer.start();
});

afterAll(() => server?.stop());

const openStore = (options: OpenOptions = {}) => openOn(server, options);

async function readAll(timeline: Timeline<string>): Promise<string[]> {
  const { entries } = await timeline.read({ limit: 1000 });
  return entries.map(({ seqId, message }) => `${seqId} ${message}`);
}

describe.skipIf(!hasRedis())('appends of one turn', () => {
  it('keep call order within each Timeline, whichever way each of them takes', async () => {
    const redis = await openStore();
    const ids = ['a', 'b', 'c'];
    await redis.store.appendToMany(ids, 'first');
    const [a, b] = [redis.timeline('a'), redis.timeline('b')];
    await Promise.all([
      a.append('one'),
      redis.store.appendToMany(ids, 'two'),
      a.appendMany(['three', 'four']),
      b.append('keyed', { key: 'k' }),
      redis.store.appendToMany(ids, 'five'),
      a.append('six'),
      redis.timeline('new').append('only'),
      b.append('manual', { seqId: 10n }),
      a.append('expected', { expectedLast: 7n }),
    ]);
    expect(await readAll(a)).toEqual([
      '1 first',
      '2 one',
      '3 two',
      '4 three',
      '5 four',
      '6 five',
      '7 six',
      '8 expected',
    ]);
    expect(await readAll(b)).toEqual(['1 first', '2 two', '3 keyed', '4 five', '10 manual']);
    expect(await readAll(redis.timeline('c'))).toEqual(['1 first', '2 two', '3 five']);
    expect(await readAll(redis.timeline('new'))).toEqual(['1 only']);
  });

  it('carry the id from 9 to 10, and from 99 to 100', async () => {
    const redis = await openStore();
    const ids: bigint[] = [];
    for (let i = 0; i < 101; i++) ids.push((await redis.timeline().append(`m${i}`)).seqId);
    expect(ids).toEqual(Array.from({ length: 101 }, (_, i) => BigInt(i + 1)));
    expect((await redis.timeline().head()).lastSeqId).toBe(101n);
  });

  it('to Timelines known to the process read all states by one command, and keep them by one', async () => {
    const redis = await openStore();
    const ids = Array.from({ length: 100 }, (_, i) => `inbox${i}`);
    await redis.store.appendToMany(ids, 'first');
    await redis.store.appendToMany(ids, 'second');
    for (const command of ['mget', 'mset']) {
      const before = await callsOf(redis.client, command);
      await redis.store.appendToMany(ids, 'third');
      expect((await callsOf(redis.client, command)) - before, command).toBe(1);
    }
  });

  it('never fall in time, though a clock that runs behind takes its turn', async () => {
    let behind = 0;
    const redis = await openStore({ store: { now: () => 1_750_000_000_000 - behind, clockToleranceMs: Infinity } });
    await redis.timeline().append('first');
    for (behind of [0, 1000, 1_749_999_999_000, 0]) await redis.timeline().append(`${behind}`);
    const { entries } = await redis.timeline().read();
    expect(entries.map(({ appendedAt }) => appendedAt)).toEqual(Array(5).fill(1_750_000_000_000));
  });
});

describe.skipIf(!hasRedis())('an append to a Timeline that is empty again', () => {
  it('after expiry is the first entry, and is kept for its whole time', async () => {
    let now = 1_000_000;
    const redis = await openStore({ store: { ttlMs: 1000, now: () => now, clockToleranceMs: Infinity } });
    const timeline = redis.timeline();
    await timeline.append('old');
    await timeline.append('old too');
    now += 2000;
    expect((await timeline.read()).entries).toEqual([]);
    const { cursor } = await timeline.append('young');
    expect(await timeline.head()).toMatchObject({ firstSeqId: 3n, lastSeqId: 3n });
    for (const age of [0, 500, 999]) {
      now = 1_002_000 + age;
      expect(await readAll(timeline), `${age} ms`).toEqual(['3 young']);
    }
    now = 1_003_000;
    expect(await readAll(timeline)).toEqual([]);
    expect((await timeline.read({ after: 2n })).truncated).toEqual({ through: 3n });
    expect((await timeline.read({ after: cursor })).truncated).toBeUndefined();
  });

  it('after trimming is the first entry', async () => {
    const redis = await openStore();
    const timeline = redis.timeline();
    await timeline.appendMany(['1', '2', '3']);
    await timeline.trim({ through: 3n });
    await timeline.append('next');
    expect(await timeline.head()).toMatchObject({ firstSeqId: 4n, lastSeqId: 4n });
    expect(await readAll(timeline)).toEqual(['4 next']);
  });
});

describe.skipIf(!hasRedis())('a Timeline that cannot be listed', () => {
  it('takes no entry, so that none is there without its id in the registry', async () => {
    const redis = await openStore();
    const [registry] = redis.keys.registryKeys();
    await redis.client.set(registry as string, 'not a sorted set');
    await expect(redis.timeline().append('m')).rejects.toMatchObject({
      code: 'TIMELINE_UNAVAILABLE',
      outcome: 'not-applied',
    });
    await redis.client.del(registry as string);
    expect(await redis.client.exists(redis.streamKey())).toBe(0);
    expect((await redis.timeline().append('m')).seqId).toBe(1n);
  });
});
