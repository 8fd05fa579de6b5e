import { describe, expect, it } from 'vitest';
import { hasRedis } from '../support/redis-server.js';
import type { RedisStore } from '../support/redis-store.js';
import { until } from '../support/until.js';
import { openOn, startServer } from './support.js';

const epochChanged = expect.objectContaining({ code: 'TIMELINE_EPOCH_CHANGED' });

/** Keyed entries, one of them changed, and a position. Returns the cursor of the newest. */
async function fill(redis: RedisStore, count: number): Promise<string> {
  const timeline = redis.timeline();
  await Promise.all(Array.from({ length: count }, (_, i) => timeline.append(`m${i}`, { key: `k${i}` })));
  await timeline.update(1n, 'edited');
  const { cursor } = await timeline.append('newest');
  await timeline.checkpoint('phone').advance(cursor);
  return cursor;
}

async function keysOf(redis: RedisStore): Promise<string[]> {
  return (await redis.client.keys(`${redis.streamKey().slice(0, -1)}*`)).map((key) => key.slice(-1)).sort();
}

describe.skipIf(!hasRedis())('a dropped Timeline', () => {
  it('leaves its state alone', async () => {
    const redis = await openOn(await startServer());
    await fill(redis, 2000);
    expect(await keysOf(redis)).toEqual(['c', 'k', 'm', 's', 'u']);
    await redis.timeline().drop();
    expect(await keysOf(redis)).toEqual(['m']);
    expect((await redis.client.get(redis.stateKey()))?.length).toBeLessThan(100);
  });

  it('stays dropped when the server is killed, and takes cursors of its new epoch after that', async () => {
    const server = await startServer({ persistence: 'aof-always' });
    const redis = await openOn(server);
    const old = await fill(redis, 20);
    await redis.timeline().drop();
    await server.end('SIGKILL');
    await server.start();
    const timeline = redis.timeline();
    await until('the server answers', async () => (await timeline.head().catch(() => undefined)) !== undefined);
    expect(await timeline.checkpoint('phone').get()).toBeUndefined();
    await expect(timeline.read({ after: old })).rejects.toEqual(epochChanged);
    const { cursor } = await timeline.append('new', { key: 'k1' });
    await server.end('SIGKILL');
    await server.start();
    await until('the server answers', async () => (await timeline.head().catch(() => undefined)) !== undefined);
    await timeline.append('newer');
    expect((await timeline.read({ after: cursor })).entries.map(({ message }) => message)).toEqual(['newer']);
    await expect(timeline.read({ after: old })).rejects.toEqual(epochChanged);
    await expect(timeline.checkpoint('phone').advance(old)).rejects.toEqual(epochChanged);
    expect(await timeline.checkpoint('phone').advance(cursor)).toContain('.1');
    await timeline.drop();
    await expect(timeline.read({ after: cursor })).rejects.toEqual(epochChanged);
  }, 30_000);

  it('ends a subscription of another process, whatever was appended since', async () => {
    const server = await startServer();
    const redis = await openOn(server);
    const other = await openOn(server, { adapter: { prefix: redis.prefix } });
    await fill(redis, 4);
    let isCaughtUp = false;
    const onCaughtUp = () => {
      isCaughtUp = true;
    };
    const reading = (async () => {
      for await (const _ of other.timeline().subscribe({ onCaughtUp }));
    })();
    reading.catch(() => {});
    await until('it has caught up', () => isCaughtUp);
    await redis.timeline().drop();
    for (let i = 0; i < 9; i++) await redis.timeline().append(`new ${i}`);
    await expect(reading).rejects.toEqual(epochChanged);
  });

  it('needs no memory', async () => {
    const redis = await openOn(await startServer());
    await fill(redis, 100);
    const used = Number(/used_memory:(\d+)/.exec(await redis.client.info('memory'))?.[1]);
    await redis.client.config('SET', 'maxmemory-policy', 'noeviction');
    await redis.client.config('SET', 'maxmemory', String(used - 100_000));
    await redis.timeline().drop();
    expect(await keysOf(redis)).toEqual(['m']);
  });

  it('is left alone if the stream is of another program', async () => {
    const redis = await openOn(await startServer());
    await redis.client.xadd(redis.streamKey(), '*', 'field', 'value');
    await expect(redis.timeline().drop()).rejects.toMatchObject({ outcome: 'not-applied' });
    expect(await redis.client.xlen(redis.streamKey())).toBe(1);
  });
});
