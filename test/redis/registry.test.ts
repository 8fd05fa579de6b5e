import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { redisAdapter } from '../../adapters/redis/index.js';
import { openTimelineStore } from '../../src/index.js';
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

describe.skipIf(!hasRedis())('a registry that is lost', () => {
  const listed = async ({ store }: RedisStore) => {
    const ids = [];
    for await (const id of store.timelines()) ids.push(id);
    return ids;
  };

  it('with everything else is made again by what is written', async () => {
    const redis = await openStore();
    const ids = Array.from({ length: 20 }, (_, i) => `t${String(i).padStart(2, '0')}`);
    await redis.store.appendToMany(ids, 'first');
    await redis.client.flushall();
    await redis.store.appendToMany(ids, 'again');
    expect(await listed(redis)).toEqual(ids);
  });

  it('alone comes back with what is written and read, in processes that knew it and in others', async () => {
    const redis = await openStore({ adapter: { sweepMs: 50 } });
    await redis.store.appendToMany(['a', 'b', 'c', 'd'], 'first');
    await redis.store.readBatch([{ timeline: 'a' }]);
    // The process has seen it before it is gone.
    await new Promise((resolve) => setTimeout(resolve, 200));
    await redis.client.del(redis.keys.registryKeys()[0] as string);
    await until('the written one is listed again', async () => {
      await redis.timeline('a').append('more');
      return (await listed(redis)).includes('a');
    });
    await redis.timeline('b').head();
    await until('the read one is listed again', async () => (await listed(redis)).includes('b'));
    const other = await openStore({ adapter: { prefix: redis.prefix } });
    await other.timeline('c').read();
    await until('the one read elsewhere is listed again', async () => (await listed(redis)).includes('c'));
  });

  it('alone comes back with all that is left, though nobody touches it, also for those who open it later', async () => {
    const ids = ['a', 'b%', 'c{d}', 'e*', ...Array.from({ length: 3000 }, (_, i) => `t${i}`)];
    const prefix = '[x]*?:';
    const redis = await openStore({ adapter: { sweepMs: 50, prefix } });
    await redis.store.appendToMany(ids, 'first');
    const before = await listed(redis);
    expect(before).toHaveLength(ids.length);
    await new Promise((resolve) => setTimeout(resolve, 200));
    await redis.client.del(redis.keys.registryKeys()[0] as string);
    await until('it is whole again', async () => (await listed(redis)).length === ids.length);
    expect(await listed(redis)).toEqual(before);
    await redis.store.close();
    await redis.client.del(redis.keys.registryKeys()[0] as string);
    const later = await openStore({ adapter: { sweepMs: 50, prefix } });
    await until('it is whole again', async () => (await listed(later)).length === ids.length);
  });

  it('comes back behind a prefix that the client puts in front of all keys', async () => {
    const client = new Redis({ port: server.port, keyPrefix: 'app*:' });
    open.push({ close: async () => client.disconnect() });
    const adapter = redisAdapter(client, { sweepMs: 50 });
    const store = await openTimelineStore<string>({ adapter, name: 'library', onWarning: () => {} });
    open.push(store);
    await store.timeline('idle').append('m');
    await new Promise((resolve) => setTimeout(resolve, 200));
    await client.del('tl:library:r');
    await until('it is there again', async () => (await client.exists('tl:library:r')) === 1);
  });

  it('does not keep anything from expiring', async () => {
    const redis = await openStore({ adapter: { sweepMs: 50 }, store: { ttlMs: 1000 } });
    await redis.timeline('t').append('first');
    await new Promise((resolve) => setTimeout(resolve, 150));
    await redis.client.del(redis.keys.registryKeys()[0] as string);
    await redis.timeline('t').append('second');
    await until('it is swept', async () => {
      await redis.timeline('t').head();
      return (await redis.client.xlen(redis.streamKey('t'))) === 0;
    });
  });
});
