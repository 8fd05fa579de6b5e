import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasRedis, RedisServer, until } from '../support/redis-server.js';
import { type OpenOptions, RedisStore } from '../support/redis-store.js';

const open: { close(): Promise<void> }[] = [];
let server: RedisServer;

beforeEach(async () => {
  server = await RedisServer.start();
  open.push({ close: () => server.stop() });
});

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function openStore({ adapter, ...options }: OpenOptions = {}): Promise<RedisStore> {
  const redis = await RedisStore.open(server, { adapter: { waitMs: 20_000, ...adapter }, ...options });
  open.push(redis);
  return redis;
}

/** Limits the memory of the server to what it uses now and `more` bytes. */
async function fillMemory({ client }: RedisStore, more = 0): Promise<void> {
  const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
  await client.config('SET', 'maxmemory-policy', 'noeviction');
  await client.config('SET', 'maxmemory', String(used + more));
}

/** Milliseconds that another client waits for an answer at most while `work` runs. */
async function longestPing(work: () => Promise<unknown>): Promise<number> {
  const client = new Redis(server.port);
  await client.ping();
  let longest = 0;
  let isDone = false;
  const pinging = (async () => {
    while (!isDone) {
      const start = performance.now();
      await client.ping();
      longest = Math.max(longest, performance.now() - start);
    }
  })();
  await work().finally(() => {
    isDone = true;
  });
  await pinging;
  client.disconnect();
  return longest;
}

/** The share of scripts since the last reset of the counters that took the server longer than 5 ms. */
async function slowScripts({ client }: RedisStore): Promise<{ share: number; calls: number }> {
  const slow = (await client.call('slowlog', 'len')) as number;
  const calls = Number(/cmdstat_evalsha:calls=(\d+)/.exec(await client.info('commandstats'))?.[1] ?? 0);
  return { share: slow / Math.max(1, calls), calls };
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
    const append = () => redis.timeline('new').append('m', { key: 'm' });
    const isTaken = () =>
      append().then(
        () => true,
        () => false,
      );
    await until('there is memory for an append', isTaken, 6000);
    expect((await append()).seqId).toBe(1n);
    expect((await redis.timeline('t0').append('m')).seqId).toBe(101n);
  });

  it('takes an append to a Timeline of which enough has expired, before any sweep', async () => {
    const redis = await openStore({ adapter: { sweepMs: 60_000 }, store: { ttlMs: 300, retry: { attempts: 1 } } });
    const timeline = redis.timeline();
    for (let i = 0; i < 10; i++) await timeline.appendMany(Array(100).fill('x'.repeat(1000)));
    await new Promise((resolve) => setTimeout(resolve, 400));
    await fillMemory(redis, 10_000);
    await redis.client.config(
      'SET',
      'maxmemory',
      String(Number(((await redis.client.config('GET', 'maxmemory')) as string[])[1]) - 20_000),
    );
    expect((await timeline.append('plain')).seqId).toBe(1001n);
    expect((await timeline.read({ after: 1n })).truncated).toEqual({ through: 1000n });
  });
});

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

describe.skipIf(!hasRedis())('what one answer holds', () => {
  const LARGE = 'x'.repeat(1_000_000);

  it('is bounded in bytes, and pages go on from there, in both directions', async () => {
    const redis = await openStore();
    const timeline = redis.timeline();
    for (let i = 0; i < 5; i++) await timeline.appendMany(Array(4).fill(LARGE));
    for (const reverse of [false, true]) {
      const page = await timeline.read({ limit: 1000, reverse });
      expect(page.entries.length).toBeGreaterThan(0);
      expect(page.entries.length).toBeLessThanOrEqual(10);
      expect(page.upToDate).toBe(false);
    }
    let count = 0;
    for await (const { message } of timeline.scan()) count += message.length === LARGE.length ? 1 : 0;
    expect(count).toBe(20);
    const batch = await redis.store.readBatch(Array.from({ length: 3 }, () => ({ timeline: 'timeline', limit: 6 })));
    for (const page of batch) expect(page).toMatchObject({ entries: expect.arrayContaining([expect.anything()]) });
  });

  it('is bounded for a reader that has known the Timeline with small bodies only', async () => {
    const redis = await openStore();
    const other = await openStore({ adapter: { prefix: redis.prefix } });
    await redis.timeline().appendMany(Array(20).fill('small'));
    expect((await other.timeline().read()).entries).toHaveLength(20);
    expect((await other.timeline().read({ after: 10n })).entries).toHaveLength(10);
    for (let i = 0; i < 5; i++) await redis.timeline().appendMany(Array(4).fill(LARGE));
    for (const range of [{ after: 10n }, { reverse: true }, { before: 100n, reverse: true }, {}]) {
      const bytes = (await other.timeline().read({ limit: 1000, ...range })).entries.reduce(
        (sum, { message }) => sum + message.length,
        0,
      );
      expect(bytes).toBeLessThan(10 * LARGE.length);
    }
  });

  it('counts versions too', async () => {
    const redis = await openStore();
    await redis.timeline().appendMany(Array(30).fill('small'));
    await redis.timeline().read();
    for (let seqId = 1n; seqId <= 30n; seqId++) await redis.timeline().update(seqId, LARGE);
    const page = await redis.timeline().read({ limit: 1000 });
    expect(page.entries.length).toBeLessThanOrEqual(10);
    expect(page.upToDate).toBe(false);
  });
});

describe.skipIf(!hasRedis())('sweeping', () => {
  it('a Timeline with many edits, and one with many entries, holds up nobody', { timeout: 30_000 }, async () => {
    const redis = await openStore({ adapter: { sweepMs: 100 }, store: { ttlMs: 3_600_000 } });
    const client = redis.client;
    const count = 100_000;
    const now = Date.now();
    const timeline = redis.timeline();
    await timeline.append('first');
    // Half of it expires now, the rest never does.
    const [stream, meta, overlay] = [redis.streamKey(), redis.stateKey(), redis.keys.key('timeline', 'u')];
    const state = String(await client.get(meta)).split(' ');
    await client.del(stream);
    for (let from = 1; from <= count; from += 1000) {
      const pipeline = client.pipeline();
      for (let i = from; i < Math.min(from + 1000, count + 1); i++) {
        pipeline.xadd(stream, `0-${i}`, `t${i <= count / 2 ? now - 3_600_000 + 4000 : now}`, '"m"');
        pipeline.hset(overlay, i, 't1:"edited"');
      }
      await pipeline.exec();
    }
    const old = now - 3_600_000 + 4000;
    await client.set(meta, [count, String(now).padStart(16, '0'), state[2], 1, old, 0, 'u', '-'].join(' '));
    await client.config('SET', 'slowlog-log-slower-than', '5000');
    await client.config('RESETSTAT');
    await client.call('slowlog', 'reset');
    const longest = await longestPing(() =>
      until(
        'half of it is gone',
        async () => (await client.hlen(overlay)) <= count / 2 && (await client.xlen(stream)) === count / 2,
        20_000,
      ),
    );
    const { share, calls } = await slowScripts(redis);
    console.log(`sweeping 50,000 edited entries: ${calls} scripts, longest PING ${longest.toFixed(1)} ms`);
    // The machine may be busy with something else for a moment.
    expect(share).toBeLessThan(0.05);
    expect(calls).toBeGreaterThan(100);
    expect((await timeline.read({ limit: 1 })).entries[0]).toMatchObject({
      seqId: BigInt(count / 2 + 1),
      message: 'edited',
    });
    await until('there is nothing left to purge', async () =>
      /^\S+ \S+ \S+ \S+ \S+ \S+ u /.test(String(await client.get(meta))),
    );
  });
});
