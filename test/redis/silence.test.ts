import { Redis } from 'ioredis';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { TimelineStore } from '../../src/types.js';
import { hasRedis, type RedisServer } from '../support/redis-server.js';
import { type OpenOptions, RedisStore } from '../support/redis-store.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { callsOf, type Ended, ended, Listener, openOn, startServer } from './support.js';

const BUDGET_MS = 1500;

let server: RedisServer;
let proxy: TcpProxy;

beforeEach(async () => {
  server = await startServer({ persistence: 'aof-always', args: ['--enable-debug-command', 'yes'] });
  proxy = await TcpProxy.start(server.port);
  onTestFinished(() => proxy.stop());
});

function openStore({ adapter, store, ...rest }: OpenOptions = {}): Promise<RedisStore> {
  return openOn(server, {
    port: proxy.port,
    adapter: { waitMs: BUDGET_MS, ...adapter },
    store: { pollMs: 60_000, ...store },
    ...rest,
  });
}

async function listAll(store: TimelineStore<string>): Promise<unknown[]> {
  const ids = [];
  for await (const id of store.timelines()) ids.push(id);
  return ids;
}

async function appendToMany(store: TimelineStore<string>): Promise<void> {
  for (const outcome of await store.appendToMany(['a', 'b'], 'm')) if (!outcome.ok) throw outcome.error;
}

/** Every kind of call, each on a Timeline of its own. */
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
    proxy.stall();
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
    const listener = new Listener(redis.timeline());
    const other = await openOn(server, { adapter: { prefix: redis.prefix } });
    await other.timeline().append('before');
    await until('it is heard', () => listener.messages.length === 1);
    proxy.stall();
    await other.timeline().append('after');
    await until('it is heard again', () => listener.messages.length === 2, 5000);
    await listener.stop();
  });

  it('does not hold up closing', async () => {
    const redis = await openStore();
    await fill(redis);
    proxy.stall();
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
    proxy.silence();
    expect((await ended(() => redis.timeline('read').read())).error).toMatchObject({ code: 'TIMELINE_UNAVAILABLE' });
    proxy.heal();
    expect((await redis.timeline('read').read()).entries).toHaveLength(1);
  });

  it('wakes its subscriptions when it is back', async () => {
    const redis = await openStore();
    const listener = new Listener(redis.timeline());
    await redis.timeline().append('before');
    await until('it is heard', () => listener.messages.length === 1);
    await server.end('SIGKILL');
    await server.start();
    const other = await openOn(server, { adapter: { prefix: redis.prefix } });
    await other.timeline().append('after');
    await until('it is heard again', () => listener.messages.length === 2, 5000);
    await listener.stop();
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
    // By then it is known that there is no connection.
    await ended(() => redis.timeline('read').read());
    for (const [name, { ms, error }] of await endAll(callsOn(redis))) {
      expect(ms, name).toBeLessThan(BUDGET_MS * 1.1);
      expect(error, name).toMatchObject({ code: 'TIMELINE_UNAVAILABLE', outcome: 'not-applied' });
    }
  });

  it('and starts with data to load is not noticed, and is not asked again and again', async () => {
    const slow = ['--key-load-delay', '2000', '--loading-process-events-interval-bytes', '1024'];
    const loading = await startServer({ persistence: 'rdb', args: slow });
    const redis = await openOn(loading, { adapter: { waitMs: 10_000 } });
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
    const counts = await Promise.all(['evalsha', 'eval', 'get'].map((command) => callsOf(client, command)));
    client.disconnect();
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(16);
  });
});
