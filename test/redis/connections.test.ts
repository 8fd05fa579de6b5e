import { Redis } from 'ioredis';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { TimelineError } from '../../src/index.js';
import { nightly } from '../support/nightly.js';
import { hasRedis, type RedisServer } from '../support/redis-server.js';
import type { OpenOptions, RedisStore } from '../support/redis-store.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { Listener, openOn, startServer } from './support.js';

let server: RedisServer;

beforeEach(async () => {
  server = await startServer({ persistence: 'aof-always' });
});

const openStore = (options: OpenOptions = {}) => openOn(server, options);

async function openThroughProxy(options: OpenOptions = {}): Promise<{ redis: RedisStore; proxy: TcpProxy }> {
  const proxy = await TcpProxy.start(server.port);
  onTestFinished(() => proxy.stop());
  return { proxy, redis: await openStore({ ...options, port: proxy.port }) };
}

async function messagesOf(redis: RedisStore): Promise<string[]> {
  return (await redis.timeline().read({ limit: 10_000 })).entries.map(({ message }) => message);
}

async function connectionsOf(redis: RedisStore): Promise<number> {
  return String(await redis.client.client('LIST'))
    .trim()
    .split('\n').length;
}

/** Appends numbers with keys until told to stop; every call must succeed in the end. */
function appendEndlessly(redis: RedisStore): { stop(): Promise<number> } {
  let stopped = false;
  const run = async () => {
    let count = 0;
    while (!stopped) {
      await redis.timeline().append(`m${count}`, { key: `k${count}` });
      count++;
    }
    return count;
  };
  const running = run();
  return {
    stop: () => {
      stopped = true;
      return running;
    },
  };
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `m${i}`);

describe.skipIf(!hasRedis())('an answer that is lost', () => {
  it('to an append without a key is an unknown outcome, and the entry is there once', async () => {
    const { redis, proxy } = await openThroughProxy();
    await redis.timeline().append('first');
    await redis.timeline().append('so that the script is there');
    proxy.cutNextReplyTo('precious');
    const error = await redis
      .timeline()
      .append('precious')
      .catch((reason: TimelineError) => reason);
    expect(error).toMatchObject({ code: 'TIMELINE_OUTCOME_UNKNOWN', outcome: 'unknown' });
    await redis.timeline().append('last');
    expect(await messagesOf(redis)).toEqual(['first', 'so that the script is there', 'precious', 'last']);
  });

  it('to an append with a key heals: it is told that the entry was there', async () => {
    const { redis, proxy } = await openThroughProxy();
    await redis.timeline().append('first');
    await redis.timeline().append('so that the script is there', { key: 'other' });
    proxy.cutNextReplyTo('precious');
    expect(await redis.timeline().append('precious', { key: 'k' })).toMatchObject({ seqId: 3n, duplicate: true });
    expect(await messagesOf(redis)).toEqual(['first', 'so that the script is there', 'precious']);
  });

  it('to an update raises the revision once', async () => {
    const { redis, proxy } = await openThroughProxy();
    const { seqId } = await redis.timeline().append('first');
    await redis.timeline().update((await redis.timeline().append('another')).seqId, 'so that the script is there');
    proxy.cutNextReplyTo('precious');
    const error = await redis
      .timeline()
      .update(seqId, 'precious')
      .catch((reason: TimelineError) => reason);
    expect(error).toMatchObject({ outcome: 'unknown' });
    expect(await redis.timeline().get(seqId)).toMatchObject({ revision: 1, message: 'precious' });
  });

  it('to a read is asked for again', async () => {
    const { redis, proxy } = await openThroughProxy();
    await redis.timeline().append('first');
    proxy.cutNextReplyTo('evalsha');
    expect(await messagesOf(redis)).toEqual(['first']);
  });
});

describe.skipIf(!hasRedis())('a server that is away', () => {
  it('fails a write as not applied, once it has waited', async () => {
    const redis = await openStore({ adapter: { waitMs: 500 }, store: { retry: { attempts: 2 } } });
    await redis.timeline().append('first');
    await server.end('SIGKILL');
    await until('the connections are closed', () => redis.client.status !== 'ready');
    const error = await redis
      .timeline()
      .append('second')
      .catch((reason: TimelineError) => reason);
    expect(error).toMatchObject({ code: 'TIMELINE_UNAVAILABLE', outcome: 'not-applied', retryable: true });
    await server.start();
  });

  it('and comes back in time takes the write that waited', async () => {
    const redis = await openStore();
    await redis.timeline().append('first');
    await server.end('SIGKILL');
    const second = redis.timeline().append('second');
    await server.start();
    expect((await second).seqId).toBe(2n);
  });

  it('refuses writes while it has no memory left, and takes them afterwards', async () => {
    const redis = await openStore({ store: { retry: { attempts: 1 } } });
    await redis.timeline().append('first');
    await redis.client.config('SET', 'maxmemory', '1');
    const error = await redis
      .timeline()
      .append('second')
      .catch((reason: TimelineError) => reason);
    expect(error).toMatchObject({ code: 'TIMELINE_BUSY', outcome: 'not-applied', retryable: true });
    await redis.client.config('SET', 'maxmemory', '0');
    expect((await redis.timeline().append('third')).seqId).toBe(2n);
  });

  it('that forgot its scripts is given them again', async () => {
    const redis = await openStore();
    await redis.timeline().append('first');
    await messagesOf(redis);
    await redis.client.script('FLUSH');
    await redis.timeline().append('second');
    await redis.client.script('FLUSH');
    expect(await messagesOf(redis)).toEqual(['first', 'second']);
  });
});

describe.skipIf(!hasRedis())('a subscription', () => {
  it('gets every entry once while all connections are killed again and again', async () => {
    const redis = await openStore();
    const listener = new Listener(redis.timeline());
    const received = listener.messages;
    const writer = appendEndlessly(redis);
    const killer = new Redis(server.port);
    for (let round = 1; round <= 8; round++) {
      await until('entries arrive', () => received.length > round * 20);
      await killer.call('client', 'kill', 'type', 'normal', 'skipme', 'yes');
    }
    const count = await writer.stop();
    await until('the last entry arrives', () => received.length >= count);
    await listener.stop();
    killer.disconnect();
    expect(received).toEqual(numbered(count));
    expect(await messagesOf(redis)).toEqual(numbered(count));
  });

  it('goes on over a restart of the server, without a gap or a repeat', async () => {
    const redis = await openStore({ store: { pollMs: 100 } });
    const listener = new Listener(redis.timeline());
    const received = listener.messages;
    const writer = appendEndlessly(redis);
    for (let round = 1; round <= 2; round++) {
      const before = received.length;
      await until('entries arrive', () => received.length > before + 20);
      await server.end('SIGKILL');
      await server.start();
    }
    const before = received.length;
    await until('entries arrive again', () => received.length > before + 20);
    const count = await writer.stop();
    await until('the last entry arrives', () => received.length >= count);
    await listener.stop();
    expect(received).toEqual(numbered(count));
  });

  it('is woken at once, long before it would look by itself', async () => {
    const redis = await openStore({ store: { pollMs: 60_000 } });
    const other = await openStore({ adapter: { prefix: redis.prefix } });
    const listener = new Listener(redis.timeline());
    const received = listener.messages;
    for (let i = 0; i < 10; i++) {
      await other.timeline().append(`m${i}`);
      await until('it is heard', () => received.length === i + 1, 1000);
    }
    await listener.stop();
  });

  it('that begins while the connection is about to wait for another is waited for too', async () => {
    const redis = await openStore({ store: { pollMs: 60_000 } });
    let after = 0n;
    for (let i = 0; i < (nightly ? 60 : 15); i++) {
      let isWaiting = false;
      let isHeard = false;
      const onCaughtUp = () => {
        isWaiting = true;
      };
      const entries = redis.timeline().subscribe({ after, onCaughtUp })[Symbol.asyncIterator]();
      const ended = entries.next().then(() => {
        isHeard = true;
        return entries.return?.();
      });
      while (!isWaiting) await new Promise((resolve) => setImmediate(resolve));
      after = (await redis.timeline().append(`m${i}`)).seqId;
      await until(`subscription ${i} has heard`, () => isHeard, 1500);
      await ended;
    }
  });

  it('shares one connection with all others, which ends with the last of them', async () => {
    const redis = await openStore({ store: { pollMs: 60_000 } });
    await redis.timeline().append('m');
    const count = () => connectionsOf(redis);
    const before = await count();
    const listeners = Array.from({ length: 50 }, (_, i) => new Listener(redis.timeline(`t${i}`)));
    await until('the connection is there', async () => (await count()) === before + 1);
    await Promise.all(Array.from({ length: 50 }, (_, i) => redis.timeline(`t${i}`).append(`m${i}`)));
    await until('all are heard', () => listeners.every(({ messages }) => messages.length === 1), 2000);
    expect(await count()).toBe(before + 1);
    await Promise.all(listeners.map((listener) => listener.stop()));
    await until('the connection is gone', async () => (await count()) === before);
  });
});

it.skipIf(!hasRedis())(
  'closing a library ends the connections of the adapter, and leaves the client to its owner',
  async () => {
    const redis = await openStore();
    await redis.timeline().append('m');
    await redis.store.close();
    await until('one connection is left', async () => (await connectionsOf(redis)) === 1);
    expect(redis.client.status).toBe('ready');
  },
);
