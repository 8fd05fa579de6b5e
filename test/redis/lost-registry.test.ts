import { Redis } from 'ioredis';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { redisAdapter } from '../../adapters/redis/index.js';
import { openTimelineStore } from '../../src/index.js';
import { hasRedis, type RedisServer } from '../support/redis-server.js';
import type { OpenOptions, RedisStore } from '../support/redis-store.js';
import { until } from '../support/until.js';
import { callsOf, openOn, startServer } from './support.js';

let server: RedisServer;

beforeEach(async () => {
  server = await startServer();
});

const openStore = (options: OpenOptions = {}) => openOn(server, options);

/** Waits until the library has counted the registry's ids as they are now, so that it notices when some are gone. */
async function registryCounted(client: Redis): Promise<void> {
  const before = await callsOf(client, 'zcard');
  await until('the registry is counted', async () => (await callsOf(client, 'zcard')) > before);
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

  it('alone comes back with each Timeline that is written or read, whether the process knew it or not', async () => {
    const redis = await openStore({ adapter: { sweepMs: 50 } });
    await redis.store.appendToMany(['a', 'b', 'c', 'd'], 'first');
    await redis.store.readBatch([{ timeline: 'a' }]);
    await registryCounted(redis.client);
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

  it('alone comes back with all Timelines, though nobody touches them, and for a later process too', async () => {
    const ids = ['a', 'b%', 'c{d}', 'e*', ...Array.from({ length: 3000 }, (_, i) => `t${i}`)];
    const prefix = '[x]*?:';
    const redis = await openStore({ adapter: { sweepMs: 50, prefix } });
    await redis.store.appendToMany(ids, 'first');
    const before = await listed(redis);
    expect(before).toHaveLength(ids.length);
    await registryCounted(redis.client);
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
    onTestFinished(() => client.disconnect());
    const adapter = redisAdapter(client, { sweepMs: 50 });
    const store = await openTimelineStore<string>({ adapter, name: 'library', onWarning: () => {} });
    onTestFinished(() => store.close());
    await store.timeline('idle').append('m');
    await registryCounted(client);
    await client.del('tl:library:r');
    await until('it is there again', async () => (await client.exists('tl:library:r')) === 1);
  });

  it('does not keep anything from expiring', async () => {
    const redis = await openStore({ adapter: { sweepMs: 50 }, store: { ttlMs: 1000 } });
    await redis.timeline('t').append('first');
    await registryCounted(redis.client);
    await redis.client.del(redis.keys.registryKeys()[0] as string);
    await redis.timeline('t').append('second');
    await until('it is swept', async () => {
      await redis.timeline('t').head();
      return (await redis.client.xlen(redis.streamKey('t'))) === 0;
    });
  });
});
