import { Redis } from 'ioredis';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { redisAdapter } from '../../adapters/redis/index.js';
import { openTimelineStore } from '../../src/index.js';
import type { TimelineStore } from '../../src/types.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { hasRedis, type RedisServer } from '../support/redis-server.js';
import type { RedisStore } from '../support/redis-store.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { ended, openOn, startServer } from './support.js';

const BUDGET_MS = 1500;
let server: RedisServer;

beforeEach(async ({ task }) => {
  if (task.suite?.name !== 'signals in a Cluster') server = await startServer();
});

function listen(store: TimelineStore<string>, ...topics: string[]): { heard: string[]; stop: () => void } {
  const heard: string[] = [];
  return { heard, stop: store.listen(topics, (topic, payload) => heard.push(`${topic}=${payload}`)) };
}

/** Publishes until a listener hears it: signals may be lost before the server knows of the listener. */
async function publishUntilHeard(from: TimelineStore<string>, heard: string[], payload: string): Promise<void> {
  await until(`${payload} is heard`, async () => {
    await from.publish('t', payload).catch(() => {});
    return heard.includes(`t=${payload}`);
  });
}

const connectionsOf = async (client: Redis) => {
  const list = (await client.call('client', 'list', 'type', 'pubsub')) as string;
  return list.split('\n').filter(Boolean).length;
};

describe.skipIf(!hasRedis())('signals on a server', () => {
  it('need one more connection, and only while somebody listens', async () => {
    const redis = await openOn(server);
    await redis.store.publish('t', 'to nobody');
    expect(await connectionsOf(redis.client)).toBe(0);
    const [one, two] = [listen(redis.store, 't'), listen(redis.store, 't', 'u')];
    await publishUntilHeard(redis.store, two.heard, 'x');
    expect(await connectionsOf(redis.client)).toBe(1);
    one.stop();
    two.stop();
    await until('the connection is closed', async () => (await connectionsOf(redis.client)) === 0);
    const again = listen(redis.store, 't');
    await publishUntilHeard(redis.store, again.heard, 'y');
  });

  it('are unsubscribed from one by one', async () => {
    const redis = await openOn(server);
    const channels = async () => ((await redis.client.call('pubsub', 'channels')) as string[]).length;
    const stays = listen(redis.store, 't');
    const topics = Array.from({ length: 1200 }, (_, i) => `topic ${i}`);
    const many = listen(redis.store, ...topics);
    await until('all are subscribed to', async () => (await channels()) === 1201);
    many.stop();
    await until('they are not', async () => (await channels()) === 1);
    await publishUntilHeard(redis.store, stays.heard, 'x');
  });

  it('are heard in another database and behind another keyPrefix by nobody', async () => {
    const prefix = 'same:';
    const redis = await openOn(server, { adapter: { prefix } });
    const own = listen(redis.store, 't');
    const others: { heard: string[] }[] = [];
    for (const options of [{ db: 3 }, { keyPrefix: 'app:' }]) {
      const client = new Redis(server.port, options);
      const store = await openTimelineStore<string>({ adapter: redisAdapter(client, { prefix }), name: 'library' });
      onTestFinished(async () => {
        await store.close();
        client.disconnect();
      });
      const other = listen(store, 't');
      await publishUntilHeard(store, other.heard, 'own');
      others.push(other);
    }
    await publishUntilHeard(redis.store, own.heard, 'mine');
    for (const { heard } of others) expect(heard).not.toContain('t=mine');
    expect(own.heard).not.toContain('t=own');
  });

  it('are refused with a warning where the user may not use channels', async () => {
    const admin = new Redis(server.port);
    await admin.call('acl', 'setuser', 'mute', 'on', '>secret', '~*', 'resetchannels', '+@all');
    admin.disconnect();
    const redis = await openOn(server, { user: { username: 'mute', password: 'secret' } });
    listen(redis.store, 't');
    await until('it is told', () => redis.warnings.some(({ code }) => code === 'redis-signals-refused'));
    await expect(redis.store.publish('t', 'x')).rejects.toMatchObject({ code: 'TIMELINE_UNAVAILABLE' });
    expect((await redis.timeline().append('m')).seqId).toBe(1n);
    expect(redis.warnings.filter(({ code }) => code === 'redis-signals-refused')).toHaveLength(1);
  });
});

describe.skipIf(!hasRedis())('signals when the server is away', () => {
  let proxy: TcpProxy;
  let redis: RedisStore;

  beforeEach(async () => {
    proxy = await TcpProxy.start(server.port);
    onTestFinished(() => proxy.stop());
    redis = await openOn(server, { port: proxy.port, adapter: { waitMs: BUDGET_MS } });
  });

  it('fail within the budget on a silent server, and so does closing', async () => {
    const { heard } = listen(redis.store, 't');
    await publishUntilHeard(redis.store, heard, 'before');
    server.pause();
    const { ms, error } = await ended(() => redis.store.publish('t', 'lost'));
    expect(ms).toBeLessThan(BUDGET_MS * 1.1);
    expect(error).toMatchObject({ code: expect.stringMatching(/TIMELINE_(UNAVAILABLE|OUTCOME_UNKNOWN)/) });
    expect((await ended(() => redis.store.close())).ms).toBeLessThan(BUDGET_MS * 1.1);
    server.resume();
  });

  it('are heard again after the server was restarted', async () => {
    const { heard } = listen(redis.store, 't');
    await publishUntilHeard(redis.store, heard, 'before');
    await server.end('SIGKILL');
    const { ms, error } = await ended(() => redis.store.publish('t', 'lost'));
    expect(ms).toBeLessThan(BUDGET_MS * 1.1);
    expect(error).toBeDefined();
    await server.start();
    await publishUntilHeard(redis.store, heard, 'after');
    expect(heard).not.toContain('t=lost');
  });

  it('are heard again after the connection has gone silent', async () => {
    const { heard } = listen(redis.store, 't');
    const other = await openOn(server, { adapter: { prefix: redis.prefix } });
    await publishUntilHeard(other.store, heard, 'before');
    proxy.stall();
    await publishUntilHeard(other.store, heard, 'after');
  });

  it('that are listened to while it is down are heard once it is up', async () => {
    await server.end('SIGKILL');
    const { heard } = listen(redis.store, 't');
    await server.start();
    await publishUntilHeard(redis.store, heard, 'x');
  });
});

describe.skipIf(!hasRedis())('signals in a Cluster', () => {
  it('are heard whichever node they come by, and after the node of the listener has ended', async () => {
    const cluster = await RedisCluster.start();
    onTestFinished(() => cluster.stop());
    const open = async () => {
      const client = cluster.connect();
      const store = await openTimelineStore<string>({ adapter: redisAdapter(client), name: 'library' });
      onTestFinished(async () => {
        await store.close();
        client.disconnect();
      });
      return store;
    };
    const [one, two] = [await open(), await open()];
    const topics = Array.from({ length: 30 }, (_, i) => `topic ${i}`);
    const many = listen(one, 't', ...topics);
    await publishUntilHeard(two, many.heard, 'before');
    await until('every topic is heard', async () => {
      for (const topic of topics) await two.publish(topic, 'x');
      return topics.every((topic) => many.heard.includes(`${topic}=x`));
    });
    const counts = await Promise.all(cluster.masters.map(({ client }) => connectionsOf(client)));
    expect(counts.reduce((sum, count) => sum + count)).toBe(1);
    const listened = cluster.masters[counts.indexOf(1)];
    await listened?.server.end('SIGKILL');
    await until(
      'it is heard by another node',
      async () => {
        await two.publish('t', 'after').catch(() => {});
        return many.heard.includes('t=after');
      },
      30_000,
    );
  }, 60_000);
});
