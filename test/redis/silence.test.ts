import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TimelineError } from '../../src/index.js';
import type { TimelineStore } from '../../src/types.js';
import { RedisProxy } from '../support/redis-proxy.js';
import { hasRedis, RedisServer, until } from '../support/redis-server.js';
import { type OpenOptions, RedisStore } from '../support/redis-store.js';

const BUDGET_MS = 1500;

const open: { close(): Promise<void> }[] = [];
let server: RedisServer;
let proxy: RedisProxy;

beforeEach(async () => {
  server = await RedisServer.start({ persistence: 'aof-always', args: ['--enable-debug-command', 'yes'] });
  open.push({ close: () => server.stop() });
  proxy = await RedisProxy.start(server.port);
  open.push({ close: () => proxy.stop() });
});

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function openStore({ adapter, store, ...rest }: OpenOptions = {}): Promise<RedisStore> {
  const redis = await RedisStore.open(server, {
    port: proxy.port,
    adapter: { waitMs: BUDGET_MS, ...adapter },
    store: { pollMs: 60_000, ...store },
    ...rest,
  });
  open.push(redis);
  return redis;
}

async function listAll(store: TimelineStore<string>): Promise<unknown[]> {
  const ids = [];
  for await (const id of store.timelines()) ids.push(id);
  return ids;
}

async function appendToMany(store: TimelineStore<string>): Promise<void> {
  for (const outcome of await store.appendToMany(['a', 'b'], 'm')) if (!outcome.ok) throw outcome.error;
}

/** Every kind of call; those that write, each on a Timeline of its own. */
function callsOn({ store }: RedisStore): Record<string, () => Promise<unknown>> {
  return {
    append: () => store.timeline('append').append('m'),
    'append with a key': () => store.timeline('keyed').append('m', { key: 'k' }),
    appendToMany: () => appendToMany(store),
    read: () => store.timeline('read').read(),
    head: () => store.timeline('read').head(),
    heads: () => store.heads(['read', 'other']),
    advance: () => store.timeline('read').checkpoint('phone').advance(1n),
    checkpoint: () => store.timeline('read').checkpoint('phone').get(),
    update: () => store.timeline('read').update(1n, 'changed'),
    delete: () => store.timeline('other').delete(1n),
    trim: () => store.timeline('other').trim({ keepLast: 1 }),
    listing: () => listAll(store),
  };
}

interface Ended {
  readonly ms: number;
  readonly error: TimelineError | undefined;
}

async function ended(work: () => Promise<unknown>): Promise<Ended> {
  const start = performance.now();
  const error = await work().then(
    () => undefined,
    (reason: TimelineError) => reason,
  );
  return { ms: performance.now() - start, error };
}

async function endAll(calls: Record<string, () => Promise<unknown>>): Promise<Map<string, Ended>> {
  const all = Object.entries(calls).map(async ([name, call]) => [name, await ended(call)] as const);
  return new Map(await Promise.all(all));
}

async function fill(redis: RedisStore): Promise<void> {
  for (const id of ['read', 'other', 'append', 'keyed', 'a', 'b']) await redis.timeline(id).append('first');
}

describe.skipIf(!hasRedis())('a connection that goes silent, while new ones work', () => {
  it('is replaced within the budget: what may be repeated succeeds, the rest is unknown', async () => {
    const redis = await openStore();
    await fill(redis);
    proxy.silence();
    for (const [name, { ms, error }] of await endAll(callsOn(redis))) {
      expect(ms, name).toBeLessThan(BUDGET_MS * 1.1);
      if (error) expect(error, name).toMatchObject({ outcome: 'unknown' });
      expect(error === undefined, name).toBe(!['append', 'appendToMany', 'update', 'trim'].includes(name));
    }
    expect(await redis.timeline('keyed').read()).toMatchObject({ entries: [{ seqId: 1n }, { seqId: 2n }] });
    expect((await redis.timeline('append').append('next')).seqId).toBe(2n);
  });

  it('does not hold up a subscription: it is alive again within five seconds', async () => {
    const redis = await openStore();
    const received: string[] = [];
    const abort = new AbortController();
    const following = (async () => {
      for await (const { message } of redis.timeline().subscribe({ signal: abort.signal })) received.push(message);
    })().catch(() => {});
    const other = await RedisStore.open(server, { adapter: { prefix: redis.prefix } });
    open.push(other);
    await other.timeline().append('before');
    await until('it is heard', () => received.length === 1);
    proxy.silence();
    await other.timeline().append('after');
    await until('it is heard again', () => received.length === 2, 5000);
    abort.abort();
    await following;
  });

  it('does not hold up closing', async () => {
    const redis = await openStore();
    await fill(redis);
    proxy.silence();
    const append = ended(() => redis.timeline().append('m'));
    expect((await ended(() => redis.store.close())).ms).toBeLessThan(BUDGET_MS * 1.1);
    expect((await append).ms).toBeLessThan(BUDGET_MS * 1.1);
  });
});

describe.skipIf(!hasRedis())('a server that is silent altogether', () => {
  it('ends every call by its budget, and goes on where it was once it answers again', async () => {
    const redis = await openStore();
    await fill(redis);
    server.pause();
    for (const [name, { ms, error }] of await endAll(callsOn(redis))) {
      expect(ms, name).toBeLessThan(BUDGET_MS * 1.1);
      expect(ms, name).toBeGreaterThan(BUDGET_MS * 0.7);
      expect(error?.code, name).toMatch(/TIMELINE_(UNAVAILABLE|OUTCOME_UNKNOWN)/);
    }
    server.resume();
    expect((await redis.timeline('new').append('m')).seqId).toBe(1n);
  });

  it('ends opening and closing by their budget', async () => {
    const redis = await openStore();
    await fill(redis);
    server.pause();
    const opening = await ended(() => RedisStore.open(server, { port: proxy.port, adapter: { waitMs: BUDGET_MS } }));
    expect(opening.ms).toBeLessThan(BUDGET_MS * 1.1);
    expect(opening.error).toMatchObject({ code: 'TIMELINE_UNAVAILABLE', outcome: 'not-applied' });
    expect((await ended(() => redis.store.close())).ms).toBeLessThan(BUDGET_MS * 1.1);
    server.resume();
  });

  it('and stays so for connections that were made meanwhile: they are replaced too', async () => {
    const redis = await openStore();
    await fill(redis);
    proxy.silence({ all: true });
    expect((await ended(() => redis.timeline('read').read())).error).toMatchObject({ code: 'TIMELINE_UNAVAILABLE' });
    proxy.forwardAgain();
    expect((await redis.timeline('read').read()).entries).toHaveLength(1);
  });

  it('wakes its subscriptions when it is back', async () => {
    const redis = await openStore();
    const received: string[] = [];
    const abort = new AbortController();
    const following = (async () => {
      for await (const { message } of redis.timeline().subscribe({ signal: abort.signal })) received.push(message);
    })().catch(() => {});
    await redis.timeline().append('before');
    await until('it is heard', () => received.length === 1);
    await server.end('SIGKILL');
    await server.start();
    const other = await RedisStore.open(server, { adapter: { prefix: redis.prefix } });
    open.push(other);
    await other.timeline().append('after');
    await until('it is heard again', () => received.length === 2, 5000);
    abort.abort();
    await following;
  });
});

describe.skipIf(!hasRedis())('a server that works on something else for a while', () => {
  it('is not taken for a silent connection: everything is answered, once', async () => {
    const redis = await openStore({ adapter: { waitMs: 4000 } });
    await fill(redis);
    const slow = redis.client.call('debug', 'sleep', '1.2');
    const appends = Array.from({ length: 20 }, (_, i) => redis.timeline(`t${i}`).append('m'));
    expect((await Promise.all(appends)).map(({ seqId }) => seqId)).toEqual(Array(20).fill(1n));
    await slow;
  });

  it('an answer that takes long to arrive neither', async () => {
    const redis = await openStore({ adapter: { waitReplicas: 1, waitMs: 1200 } });
    const { ms, error } = await ended(() => redis.timeline().append('m'));
    expect(error).toMatchObject({ code: 'TIMELINE_OUTCOME_UNKNOWN' });
    expect(error?.message).toContain('1 replicas');
    expect(ms).toBeLessThan(1200 * 1.1);
  });
});

describe.skipIf(!hasRedis())('a server that is down', () => {
  it('fails each call by one budget', async () => {
    const redis = await openStore();
    await fill(redis);
    await server.end('SIGKILL');
    // After this call the adapter knows that there is no connection.
    await ended(() => redis.timeline('read').read());
    for (const [name, { ms, error }] of await endAll(callsOn(redis))) {
      expect(ms, name).toBeLessThan(BUDGET_MS * 1.1);
      expect(error, name).toMatchObject({ code: 'TIMELINE_UNAVAILABLE', outcome: 'not-applied' });
    }
  });

  it('and starts with data to load is not noticed, and is not asked again and again', async () => {
    const slow = ['--key-load-delay', '2000', '--loading-process-events-interval-bytes', '1024'];
    const loading = await RedisServer.start({ persistence: 'rdb', args: slow });
    open.push({ close: () => loading.stop() });
    const redis = await RedisStore.open(loading, { adapter: { waitMs: 10_000 } });
    open.push(redis);
    await redis.client.call('eval', `for i = 1, 500 do redis.call('SET', 'load' .. i, string.rep('x', 200)) end`, 0);
    await redis.timeline('read').append('first');
    await loading.end('SIGTERM');
    const calls = [redis.timeline('append').append('m'), redis.timeline('read').read()] as const;
    const starting = performance.now();
    await loading.start();
    expect(performance.now() - starting).toBeGreaterThan(800);
    const [appended, page] = await Promise.all(calls);
    expect(appended.seqId).toBe(1n);
    expect(page.entries).toHaveLength(1);
    const client = new Redis(loading.port);
    const stats = await client.info('commandstats');
    client.disconnect();
    const count = (command: string) => Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
    expect(count('evalsha') + count('eval') + count('get')).toBeLessThanOrEqual(16);
  });
});
