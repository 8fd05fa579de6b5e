import { Redis } from 'ioredis';
import { beforeEach, describe, expect, it } from 'vitest';
import { hashSlot } from '../../adapters/redis/connection/hash-slot.js';
import { Keyspace } from '../../adapters/redis/keys.js';
import type { TimelineError } from '../../src/index.js';
import { hasRedis, type RedisServer } from '../support/redis-server.js';
import { type OpenOptions, RedisStore } from '../support/redis-store.js';
import { until } from '../support/until.js';
import { openOn, startServer } from './support.js';

/** As docs/redis.md lists them. */
const COMMANDS = [
  'eval|evalsha|get|mget|set|mset|exists|unlink|pexpire|persist|info|time|wait',
  'hget|hmget|hset|hsetnx|hdel|hscan|hlen|hkeys|hstrlen|zadd|zcard|zrangebylex|scan',
  'xadd|xlen|xrange|xrevrange|xread|xtrim|xinfo\\|stream|client\\|id|client\\|unblock',
  'publish|subscribe|unsubscribe|ping',
]
  .join('|')
  .split(/(?<!\\)\|/)
  .map((command) => `+${command.replace('\\', '')}`);

let server: RedisServer;

beforeEach(async () => {
  server = await startServer({ persistence: 'aof', args: ['--cluster-enabled', 'no'] });
});

const openStore = (options: OpenOptions = {}) => openOn(server, options);

async function configure(...settings: [string, string][]): Promise<void> {
  const client = new Redis(server.port);
  for (const [name, value] of settings) await client.config('SET', name, value);
  client.disconnect();
}

async function codesOf(options: OpenOptions = {}): Promise<string[]> {
  return (await openStore(options)).warnings.map(({ code }) => code);
}

describe.skipIf(!hasRedis())('what an operator is told at opening', () => {
  it('nothing of a server that is set up well', async () => {
    expect(await codesOf()).toEqual([]);
  });

  it('that Timelines may be evicted', async () => {
    await configure(['maxmemory-policy', 'allkeys-lru']);
    expect(await codesOf()).toEqual(['redis-eviction']);
    await configure(['maxmemory-policy', 'volatile-lru']);
    expect(await codesOf()).toEqual(['redis-key-eviction']);
  });

  it('that nothing is persisted', async () => {
    await configure(['appendonly', 'no'], ['save', '']);
    expect(await codesOf()).toEqual(['redis-no-persistence']);
  });

  it('that many small Timelines take much memory', async () => {
    const redis = await openStore({ adapter: { prefix: 'many:' } });
    await redis.store.appendToMany(
      Array.from({ length: 10_001 }, (_, i) => `inbox${i}`),
      'm',
    );
    expect(await codesOf({ adapter: { prefix: 'many:' } })).toEqual(['redis-stream-node-size']);
    await configure(['stream-node-max-bytes', '1024']);
    expect(await codesOf({ adapter: { prefix: 'many:' } })).toEqual([]);
  });

  it('what an append survives', async () => {
    const durability = async () => (await openStore()).store.capabilities.durability;
    expect(await durability()).toBe('process');
    await configure(['appendfsync', 'always']);
    expect(await durability()).toBe('power');
    await configure(['appendonly', 'no'], ['save', '']);
    expect(await durability()).toBe('none');
  });
});

describe.skipIf(!hasRedis())('a user with limited rights', () => {
  const user = { username: 'timelines', password: 'secret' };

  beforeEach(async () => {
    const client = new Redis(server.port);
    await client.call(
      'acl',
      'setuser',
      user.username,
      'on',
      `>${user.password}`,
      '~tl:*',
      'resetchannels',
      '&tl:*',
      '-@all',
      ...COMMANDS,
    );
    client.disconnect();
  });

  it('can do everything, and is told that the configuration was not read', async () => {
    const redis = await openStore({ user, adapter: { prefix: 'tl:', sweepMs: 50 }, store: { ttlMs: 60_000 } });
    expect(redis.warnings.map(({ code }) => code)).toEqual(['redis-config-unknown']);
    const timeline = redis.timeline();
    const heard = (async () => {
      for await (const { message } of timeline.subscribe()) if (message === 'third') return;
    })();
    const { cursor } = await timeline.append('first', { key: 'k' });
    await timeline.appendMany(['second', 'third']);
    await heard;
    await timeline.update(1n, 'changed');
    await timeline.delete(2n);
    expect(await timeline.count()).toBe(2);
    await timeline.checkpoint('phone').advance(cursor);
    await timeline.checkpoint('phone').reset(undefined);
    await timeline.trim({ through: 1n });
    await timeline.trim({ keepLast: 1 });
    expect((await timeline.read()).entries.map(({ message }) => message)).toEqual(['third']);
    for await (const id of redis.store.timelines()) expect(id).toBe('timeline');
    const signals: string[] = [];
    const stop = redis.store.listen(['typing'], (_, payload) => signals.push(payload));
    await until('a signal is heard', async () => {
      await redis.store.publish('typing', 'ann');
      return signals.length > 0;
    });
    stop();
    await until('the sweeper was at work', async () => (await redis.client.exists(redis.keys.sweepLockKey())) === 1);
  });

  it('that may not ask for the time either is told that too', async () => {
    const client = new Redis(server.port);
    await client.call('acl', 'setuser', user.username, '-time');
    client.disconnect();
    const redis = await openStore({ user, adapter: { prefix: 'tl:' } });
    expect(redis.warnings.map(({ code }) => code).sort()).toEqual(['redis-clock-unknown', 'redis-config-unknown']);
    expect((await redis.timeline().append('m')).seqId).toBe(1n);
  });

  it('is refused outside of its keys, with what Redis says', async () => {
    const refused = RedisStore.open(server, { user, adapter: { prefix: 'other:' } });
    await expect(refused).rejects.toThrow(/NOPERM|permission/i);
  });
});

describe.skipIf(!hasRedis())('SeqIds above 2^53', () => {
  it('keep every digit, in all that scripts do with them', async () => {
    const redis = await openStore();
    const timeline = redis.timeline();
    const start = 2n ** 53n;
    for (const seqId of [start - 1n, start, start + 1n]) await timeline.append(`${seqId}`, { seqId });
    await timeline.append('next');
    await timeline.append('far', { seqId: 1_999_999_999_999_999_999n });
    await timeline.append('carried', { key: 'k' });
    const expected = [
      start - 1n,
      start,
      start + 1n,
      start + 2n,
      1_999_999_999_999_999_999n,
      2_000_000_000_000_000_000n,
    ];
    expect((await timeline.read()).entries.map(({ seqId }) => seqId)).toEqual(expected);
    expect((await timeline.append('carried', { key: 'k' })).seqId).toBe(expected[5]);
    const error = await timeline.append('m', { seqId: expected[5]! }).catch((reason: TimelineError) => reason);
    expect(error).toMatchObject({ code: 'TIMELINE_CONFLICT', expected: expected[5], actual: expected[5] });
    await timeline.update(start + 1n, 'changed');
    expect((await timeline.get(start + 1n))?.message).toBe('changed');
    await timeline.trim({ through: start + 1n });
    expect(await timeline.head()).toMatchObject({ firstSeqId: start + 2n, lastSeqId: expected[5] });
    await timeline.append('last', { seqId: 2n ** 63n - 1n });
    const full = await timeline.append('too many').catch((reason: TimelineError) => reason);
    expect(full).toMatchObject({ code: 'TIMELINE_CONFLICT', actual: 2n ** 63n - 1n });
  });

  it('expire up to exactly where they should', async () => {
    let now = 1_000_000;
    const redis = await openStore({ store: { ttlMs: 1000, now: () => now, clockToleranceMs: Infinity } });
    const timeline = redis.timeline();
    const ids: bigint[] = [];
    for (let i = 0; i < 60; i++, now += 10) {
      const { seqId } = await timeline.append(`m${i}`, {
        seqId: 1_541_815_603_606_036_480n + BigInt(i < 30 ? i : i * 5000),
      });
      ids.push(seqId);
    }
    for (const gone of [1, 17, 30, 31, 45, 59]) {
      now = 1_000_000 + 1000 + (gone - 1) * 10;
      expect((await timeline.read({ limit: 100 })).entries.map(({ seqId }) => seqId)).toEqual(ids.slice(gone));
      expect((await timeline.head()).firstSeqId).toBe(ids[gone]);
      expect((await timeline.read({ after: 1n })).truncated).toEqual({ through: ids[gone - 1] });
    }
  });
});

describe.skipIf(!hasRedis())('idempotency keys', () => {
  it('are known for their window, also to a clock that goes back', async () => {
    const window = 1000;
    let now = 10 * window - 1;
    const redis = await openStore({
      adapter: { keyWindowMs: window },
      store: { now: () => now, clockToleranceMs: Infinity },
    });
    const append = async (key: string) => (await redis.timeline().append('m', { key })).duplicate;
    expect(await append('a')).toBe(false);
    now += window - 1;
    expect(await append('a')).toBe(true);
    now += 1;
    expect(await append('a')).toBe(false);
    now = 12 * window;
    expect(await append('b')).toBe(false);
    now = 10 * window;
    expect(await append('b')).toBe(true);
  });

  it('are freed by Redis itself', async () => {
    const redis = await openStore({ adapter: { keyWindowMs: 50 } });
    await redis.timeline().append('m', { key: 'k' });
    const keys = redis.keys.key('timeline', 'k');
    expect(await redis.client.exists(keys)).toBe(1);
    await until('the keys are gone', async () => (await redis.client.exists(keys)) === 0);
  });
});

describe.skipIf(!hasRedis())('keys', () => {
  it('lie in the slot that their Timeline has, whatever its id looks like', async () => {
    const cluster = await startServer({ args: ['--cluster-enabled', 'yes'], busPort: 0 });
    const client = new Redis(cluster.port);
    const keys = new Keyspace('tl:', 'a {b}:c', true);
    const names = new Set<string>();
    const ids = ['group:42', '{', '}', '{}', '}{', '{x}', '{}x', '%7B', 'a/b', 'é', '🙂', 'x'.repeat(512)];
    for (const id of ids) {
      for (const key of keys.declare(id, ['m', 'u', 'c'])) {
        expect(await client.call('cluster', 'keyslot', key), id).toBe(keys.of(id).slot);
        names.add(key);
      }
    }
    client.disconnect();
    expect(names.size).toBe(4 * ids.length);
    expect(hashSlot('123456789')).toBe(0x31c3);
  });

  it('of libraries with the same prefix do not meet', () => {
    const libraries = ['b', 'b:', 'b{', 'b%7B', 'b:{t}', 'b:r'];
    const names = libraries.flatMap((library) => {
      const keys = new Keyspace('tl:', library, false);
      return [
        keys.key('t', 's'),
        keys.key('t}:', 's'),
        keys.key('{t}', 's'),
        keys.key('t', 'm'),
        ...keys.registryKeys(),
        keys.sweepLockKey(),
      ];
    });
    expect(new Set(names).size).toBe(names.length);
  });

  it('are left as docs/redis.md describes them', async () => {
    const redis = await openStore({
      adapter: { prefix: 'tl:' },
      store: { name: 'chat', now: () => 1_750_000_000_000, clockToleranceMs: Infinity },
    });
    const timeline = redis.timeline('group:42');
    const { cursor } = await timeline.append('hello', { key: 'k' });
    await timeline.append('world');
    await timeline.update(2n, 'all');
    await timeline.checkpoint('phone').advance(cursor);
    const base = 'tl:chat:{group:42}:';
    expect((await redis.client.keys('*')).sort()).toEqual(
      [`${base}s`, `${base}m`, `${base}u`, `${base}c`, `${base}k`, 'tl:chat:r', 'tl:chat:settings'].sort(),
    );
    expect(await redis.client.xrange(`${base}s`, '-', '+')).toEqual([
      ['0-1', ['t1750000000000:k', '"hello"']],
      ['0-2', ['t1750000000000', '"world"']],
    ]);
    expect(await redis.client.get(`${base}m`)).toMatch(/^0001750000000000 2 \w{8} \S+ 1 1750000000000 0 u -$/);
    expect(await redis.client.hgetall(`${base}u`)).toEqual({ 2: 't1:"all"' });
    expect(await redis.client.hget(`${base}c`, 'phone')).toMatch(/^\S+ 1$/);
    expect(await redis.client.hget(`${base}k`, 'k')).toMatch(/^mbxstdz4 1 \S+$/);
    expect(await redis.client.zrangebylex('tl:chat:r', '-', '+')).toEqual(['group:42']);
    expect(JSON.parse((await redis.client.get('tl:chat:settings')) ?? '')).toEqual({
      format: 1,
      ttlMs: null,
      keyWindowMs: 7 * 24 * 3_600_000,
      numbering: 'dense',
    });
  });
});

describe.skipIf(!hasRedis())('waitReplicas', () => {
  it('that cannot be had leaves the outcome unknown, though the entry is there', async () => {
    const redis = await openStore({ adapter: { waitReplicas: 1, waitMs: 500 }, store: { retry: { attempts: 2 } } });
    for (const key of [undefined, 'k']) {
      const error = await redis
        .timeline()
        .append('m', { key })
        .catch((reason: TimelineError) => reason);
      expect(error).toMatchObject({ code: 'TIMELINE_OUTCOME_UNKNOWN', outcome: 'unknown' });
    }
    expect((await redis.timeline().read()).entries).toHaveLength(2);
  });
});
