import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchOutcome } from '../../src/index.js';
import { hasRedis, RedisServer } from '../support/redis-server.js';
import type { OpenOptions, RedisStore } from '../support/redis-store.js';
import { callsOf, openOn } from './support.js';

const WINDOW_MS = 1_280_000;
/** Extended once in each of them. */
const PERIOD_MS = WINDOW_MS / 128;
const KEYED_COMMANDS = ['mget', 'hsetnx', 'xadd', 'mset', 'hset', 'hget', 'get', 'set', 'pexpire'];

let server: RedisServer;

beforeAll(async () => {
  if (hasRedis()) server = await RedisServer.start();
});

afterAll(() => server?.stop());

const openStore = (options: OpenOptions = {}) => openOn(server, options);

/** A library whose clock the test turns. */
async function openAt(clock: { now: number }): Promise<RedisStore> {
  const store = { now: () => clock.now, clockToleranceMs: Number.POSITIVE_INFINITY };
  return openStore({ adapter: { keyWindowMs: WINDOW_MS }, store });
}

async function countCalls(redis: RedisStore, run: () => Promise<unknown>): Promise<Record<string, number>> {
  const count = () => Promise.all(KEYED_COMMANDS.map((command) => callsOf(redis.client, command)));
  const before = await count();
  await run();
  const after = await count();
  return Object.fromEntries(
    KEYED_COMMANDS.flatMap((command, i) => (after[i] === before[i] ? [] : [[command, after[i]! - before[i]!]])),
  );
}

const seqIds = (outcomes: readonly BatchOutcome[]) =>
  outcomes.map((outcome) => (outcome.ok ? `${outcome.seqId}${outcome.duplicate ? '=' : ''}` : outcome.error.code));

async function messagesOf(redis: RedisStore, id?: string): Promise<string[]> {
  const { entries } = await redis.timeline(id).read({ limit: 1000 });
  return entries.map(({ seqId, message, key }) => `${seqId} ${message} ${key ?? '-'}`);
}

describe.skipIf(!hasRedis())('appends with a key to Timelines known to the process', () => {
  it('take two commands for each, and two for all of them', async () => {
    const redis = await openAt({ now: 1_750_000_000_000 });
    const ids = Array.from({ length: 100 }, (_, i) => `inbox${i}`);
    await redis.store.appendToMany(ids, 'first', { key: 'first' });
    const calls = await countCalls(redis, () => redis.store.appendToMany(ids, 'm', { key: 'k' }));
    expect(calls).toEqual({ mget: 1, hsetnx: 100, xadd: 100, mset: 1 });
    for (const id of ids) expect(await messagesOf(redis, id)).toEqual(['1 first first', '2 m k']);
  });

  it('that are repeated add what is missing, whichever Timelines are new or have other messages', async () => {
    const redis = await openStore();
    await redis.store.appendToMany(['a', 'b', 'c'], 'first');
    await redis.store.appendToMany(['a', 'b'], 'm', { key: 'k' });
    await redis.timeline('c').append('other', { key: 'k' });
    const again = () => redis.store.appendToMany(['a', 'b', 'c', 'd'], 'm', { key: 'k' });
    expect(seqIds(await again())).toEqual(['2=', '2=', 'TIMELINE_KEY_CONFLICT', '1']);
    expect(seqIds(await again())).toEqual(['2=', '2=', 'TIMELINE_KEY_CONFLICT', '1=']);
    const { cursor } = await redis.timeline('a').append('m', { key: 'k' });
    const next = await redis.timeline('a').append('next');
    expect((await redis.timeline('a').read({ after: cursor })).entries.map(({ seqId }) => seqId)).toEqual([next.seqId]);
    expect(await messagesOf(redis, 'a')).toEqual(['1 first -', '2 m k', '3 next -']);
  });

  it('in one turn, each with its own key and body, keep them apart', async () => {
    const redis = await openStore();
    const ids = Array.from({ length: 130 }, (_, i) => `own${i}`);
    await redis.store.appendToMany(ids, 'first');
    await Promise.all(ids.map((id, i) => redis.timeline(id).append(`m${i}`, { key: `k${i}` })));
    for (const [i, id] of ids.entries()) expect(await messagesOf(redis, id)).toEqual(['1 first -', `2 m${i} k${i}`]);
  });

  it('store a key again once its window is over', async () => {
    const clock = { now: 1_750_000_000_000 };
    const redis = await openAt(clock);
    await redis.timeline().append('first');
    await redis.timeline().append('m', { key: 'k' });
    clock.now += WINDOW_MS - 1;
    expect(await redis.timeline().append('m', { key: 'k' })).toMatchObject({ seqId: 2n, duplicate: true });
    clock.now += 1;
    expect(await redis.timeline().append('m', { key: 'k' })).toMatchObject({ seqId: 3n, duplicate: false });
    expect(await redis.timeline().append('m', { key: 'k' })).toMatchObject({ seqId: 3n, duplicate: true });
  });

  it('extend the life of the keys once in a period, by a whole window at least', async () => {
    const clock = { now: PERIOD_MS * 1000 };
    const redis = await openAt(clock);
    const keys = redis.keys.key('timeline', 'k');
    const append = (key: string) => countCalls(redis, () => redis.timeline().append('m', { key }));
    expect(await append('first')).toMatchObject({ pexpire: 1 });
    clock.now += PERIOD_MS - 1;
    expect(await append('same period')).not.toHaveProperty('pexpire');
    expect(await redis.client.pttl(keys)).toBeGreaterThan(WINDOW_MS + 60_000);
    await redis.client.pexpire(keys, 1000);
    clock.now += 1;
    expect(await append('next period')).toMatchObject({ pexpire: 1 });
    expect(await redis.client.pttl(keys)).toBeGreaterThan(WINDOW_MS + 60_000);
  });

  it('keep keys for ever if the library does, also those of a time when it did not', async () => {
    const prefix = 'for-ever:';
    const first = await openStore({ adapter: { keyWindowMs: WINDOW_MS, prefix } });
    await first.timeline().append('m', { key: 'k' });
    const settings = JSON.parse((await first.client.get(first.keys.settingsKey())) ?? '');
    await first.client.set(first.keys.settingsKey(), JSON.stringify({ ...settings, keyWindowMs: null }));
    const redis = await openStore({ adapter: { prefix } });
    await redis.timeline().append('other');
    await redis.timeline().append('m', { key: 'l' });
    expect(await redis.client.pttl(redis.keys.key('timeline', 'k'))).toBe(-1);
    expect((await redis.timeline().append('m', { key: 'k' })).duplicate).toBe(true);
  });

  it('tell keys apart that look like the digest of another', async () => {
    const redis = await openStore();
    const long = 'x'.repeat(100);
    await redis.timeline().append('m', { key: long });
    const [field = ''] = await redis.client.hkeys(redis.keys.key('timeline', 'k'));
    expect(field).toMatch(/^#[\w-]{22}$/);
    for (const key of [field, field.slice(1), `${long}x`, 'é'.repeat(16), 'é'.repeat(17)]) {
      expect((await redis.timeline().append('m', { key })).duplicate, key).toBe(false);
      expect((await redis.timeline().append('m', { key })).duplicate, key).toBe(true);
    }
    expect((await redis.timeline().append('m', { key: long })).seqId).toBe(1n);
  });

  it('carry the id from 9 to 10, and from 99 to 100', async () => {
    const redis = await openStore();
    const ids: bigint[] = [];
    for (let i = 0; i < 101; i++) ids.push((await redis.timeline().append(`m${i}`, { key: `${i}` })).seqId);
    expect(ids).toEqual(Array.from({ length: 101 }, (_, i) => BigInt(i + 1)));
  });

  it('never fall in time, though a clock that runs behind takes its turn', async () => {
    const clock = { now: 1_750_000_000_000 };
    const redis = await openAt(clock);
    await redis.timeline().append('first');
    for (const behind of [0, 1000, 0]) {
      clock.now = 1_750_000_000_000 - behind;
      await redis.timeline().append('m', { key: `${behind} ${Math.random()}` });
    }
    const { entries } = await redis.timeline().read();
    expect(entries.map(({ appendedAt }) => appendedAt)).toEqual(Array(4).fill(1_750_000_000_000));
  });
});

describe.skipIf(!hasRedis())('an append with a key to a Timeline whose data were lost', () => {
  it('leaves no key behind that has no entry', async () => {
    const redis = await openStore();
    await redis.timeline().append('first', { key: 'first' });
    await redis.client.del(redis.streamKey());
    expect(await redis.timeline().append('m', { key: 'k' })).toMatchObject({ seqId: 2n, duplicate: false });
    expect(await redis.timeline().append('m', { key: 'k' })).toMatchObject({ seqId: 2n, duplicate: true });
    expect(await messagesOf(redis)).toEqual(['2 m k']);
  });

  it('gives no id a second time if its state is older than its stream', async () => {
    const redis = await openStore();
    await redis.timeline().append('first');
    const old = await redis.client.get(redis.stateKey());
    await redis.timeline().append('second');
    await redis.client.set(redis.stateKey(), old as string);
    expect(await redis.timeline().append('m', { key: 'k' })).toMatchObject({ seqId: 3n, duplicate: false });
    expect(await redis.timeline().append('m', { key: 'k' })).toMatchObject({ seqId: 3n, duplicate: true });
  });

  it('is told by no key of the old data, though an entry without a key came first', async () => {
    const redis = await openStore();
    await redis.timeline().append('m', { key: 'k' });
    await redis.client.del(redis.streamKey(), redis.stateKey());
    await redis.timeline().append('without');
    expect(await redis.timeline().append('m', { key: 'k' })).toMatchObject({ seqId: 2n, duplicate: false });
  });
});
