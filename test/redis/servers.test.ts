import { createServer } from 'node:net';
import { Cluster, Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type RedisClient, redisAdapter } from '../../adapters/redis/index.js';
import { openTimelineStore, type TimelineError } from '../../src/index.js';
import type { TimelineStore } from '../../src/types.js';
import { hasRedis, type RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { errorsOf, Listener, openOn, startServer } from './support.js';

function ownClient<C extends { on(event: 'error', hear: () => void): unknown; disconnect(): void }>(client: C): C {
  client.on('error', () => {});
  onTestFinished(() => client.disconnect());
  return client;
}

function openLibrary(client: RedisClient, waitMs = 1000): Promise<TimelineStore<string>> {
  const opening = openTimelineStore<string>({
    adapter: redisAdapter(client, { waitMs }),
    name: 'library',
    onWarning: () => {},
  });
  opening.then((store) => onTestFinished(() => store.close())).catch(() => {});
  return opening;
}

async function refusalOf(work: Promise<unknown>): Promise<TimelineError> {
  return work.then(
    () => expect.fail('it was not refused'),
    (error: TimelineError) => error,
  );
}

const replicaOf = (master: RedisServer) => ({
  args: ['--replicaof', '127.0.0.1', String(master.port)],
});

/** Both lead to the same data; the replica is in step. */
async function startPair(): Promise<{ a: RedisServer; b: RedisServer; clientA: Redis; clientB: Redis }> {
  const a = await startServer({ args: ['--repl-diskless-sync-delay', '0'] });
  const b = await startServer(replicaOf(a));
  const clientA = ownClient(new Redis(a.port));
  const clientB = ownClient(new Redis(b.port));
  await until('the replica follows', async () => (await clientB.info('replication')).includes('master_link_status:up'));
  return { a, b, clientA, clientB };
}

describe.skipIf(!hasRedis())('a master that was demoted and stays connected', () => {
  it('is left for the one that its address leads to', async () => {
    const { a, b, clientA, clientB } = await startPair();
    const proxy = await TcpProxy.start(a.port);
    onTestFinished(() => proxy.stop());
    const redis = await openOn(a, { port: proxy.port });
    await redis.timeline().append('one');
    await until('the replica has it', async () => (await clientB.exists(redis.streamKey())) === 1);
    await clientB.replicaof('NO', 'ONE');
    await clientA.replicaof('127.0.0.1', b.port);
    proxy.leadTo(b.port);
    expect((await redis.timeline().append('two')).seqId).toBe(2n);
    await redis.timeline().update(1n, 'changed');
    expect((await redis.timeline().read()).entries.map(({ message }) => message)).toEqual(['changed', 'two']);
  });

  it('for a while is waited for, by writes, reads and subscriptions, though entries expire meanwhile', async () => {
    const { a, b, clientA } = await startPair();
    let now = Date.now();
    const trusted = { now: () => now, clockToleranceMs: Infinity };
    const redis = await openOn(a, { adapter: { sweepMs: 100 }, store: { ttlMs: 1500, pollMs: 200, ...trusted } });
    await redis.timeline().append('early');
    await redis.store.appendToMany(['x', 'y'], 'early');
    const listener = new Listener(redis.timeline());
    await until('it is heard', () => listener.messages.length === 1);
    await clientA.replicaof('127.0.0.1', b.port);
    now += 1600;
    const results = Promise.all([
      redis.timeline().append('late'),
      redis.store.heads(['x', 'y']),
      redis.store.readBatch([{ timeline: 'x' }, { timeline: 'y' }]),
    ]);
    await until('several calls are refused', async () => (await errorsOf(clientA, 'READONLY')) >= 5);
    await clientA.replicaof('NO', 'ONE');
    await results;
    await until('the late one is heard', () => listener.messages.includes('late'), 5000);
    await listener.stop();
  });
});

describe.skipIf(!hasRedis())('a server that cannot be the right one is refused at opening, with what to do', () => {
  it('a replica', async () => {
    const { a, b } = await startPair();
    const error = await refusalOf(openLibrary(ownClient(new Redis(b.port))));
    expect(error).toMatchObject({ code: 'TIMELINE_UNAVAILABLE', outcome: 'not-applied' });
    expect(error.message).toMatch(new RegExp(`replica.*127.0.0.1:${a.port}`));
  });

  it('a node of a Cluster, for a client of a single server', async () => {
    const node = await startServer({ args: ['--cluster-enabled', 'yes'] });
    const error = await refusalOf(openLibrary(ownClient(new Redis(node.port))));
    expect(error).toMatchObject({ code: 'TIMELINE_INVALID_ARGUMENT', argument: 'client' });
    expect(error.message).toContain('new Cluster(');
  });
});

describe.skipIf(!hasRedis())('why there is no connection is told', () => {
  const refused = async (client: RedisClient, why: RegExp, waitMs = 2000) => {
    const started = performance.now();
    const error = await refusalOf(openLibrary(client, waitMs));
    expect(error).toMatchObject({ code: 'TIMELINE_UNAVAILABLE', retryable: true });
    expect(error.message).toMatch(why);
    expect(error.cause).toBeInstanceOf(Error);
    expect(performance.now() - started).toBeLessThan(waitMs * 1.5);
  };

  it('a wrong password, and none, at once', async () => {
    const server = await startServer();
    await ownClient(new Redis(server.port)).config('SET', 'requirepass', 'secret');
    const started = performance.now();
    await refused(ownClient(new Redis({ port: server.port, password: 'wrong' })), /WRONGPASS/, 5000);
    await refused(ownClient(new Redis({ port: server.port })), /NOAUTH/, 5000);
    await refused(ownClient(new Redis({ port: server.port, password: 'wrong', protocol: 2 })), /WRONGPASS/, 5000);
    expect(performance.now() - started).toBeLessThan(3000);
  });

  it('a wrong password to a Cluster, at once', async () => {
    const server = await startServer({ args: ['--cluster-enabled', 'yes'] });
    await ownClient(new Redis(server.port)).config('SET', 'requirepass', 'secret');
    const started = performance.now();
    const options = { redisOptions: { password: 'wrong' } };
    await refused(ownClient(new Cluster([{ host: '127.0.0.1', port: server.port }], options)), /WRONGPASS/, 5000);
    expect(performance.now() - started).toBeLessThan(3000);
  });

  it('a port where nobody listens', () => refused(ownClient(new Redis(1)), /ECONNREFUSED/));

  it('a name that nobody knows', () =>
    refused(ownClient(new Redis({ host: 'nowhere.invalid' })), /ENOTFOUND|EAI_AGAIN/, 3000));

  it('TLS to a port without it', async () => {
    const server = await startServer();
    await refused(ownClient(new Redis({ port: server.port, tls: {} })), /does the server speak TLS/);
  });

  it('a server that speaks something else', async () => {
    const other = createServer((socket) => socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      other.close();
    });
    const address = other.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    await refused(ownClient(new Redis({ port })), /Protocol|parse|closed|"H"/i);
  });

  it('Sentinels that cannot be reached, though the client has given up', async () => {
    const client = ownClient(
      new Redis({ sentinels: [{ host: '127.0.0.1', port: 1 }], name: 'm', sentinelRetryStrategy: () => null }),
    );
    await until('it has given up', () => client.status === 'end');
    await refused(client, /[Ss]entinels.*given up/s);
  });

  it('a Cluster of which no node can be reached', async () => {
    const client = ownClient(new Cluster([{ host: '127.0.0.1', port: 1 }]));
    await refused(client, /ECONNREFUSED|closed/);
  });
});

describe.skipIf(!hasRedis())('a database chosen by select()', () => {
  it('before opening is where the data go', async () => {
    const server = await startServer();
    const client = ownClient(new Redis(server.port));
    const adapter = redisAdapter(client, { prefix: 'p:' });
    await client.select(3);
    const store = await openTimelineStore<string>({ adapter, name: 'library', onWarning: () => {} });
    onTestFinished(() => store.close());
    await store.timeline('t').append('m');
    expect((await client.keys('p:*')).length).toBeGreaterThan(0);
    await client.select(0);
    expect(await client.keys('p:*')).toEqual([]);
  });

  it('after opening is refused, until the client is back', async () => {
    const server = await startServer();
    const client = ownClient(new Redis(server.port));
    const store = await openLibrary(client);
    await client.select(3);
    const error = await refusalOf(store.timeline('t').append('m'));
    expect(error).toMatchObject({ code: 'TIMELINE_UNAVAILABLE', outcome: 'not-applied', retryable: false });
    expect(error.message).toContain('database 3');
    expect((await refusalOf(store.timeline('t').read())).message).toContain('database 3');
    await client.select(0);
    expect((await store.timeline('t').append('m')).seqId).toBe(1n);
  });

  it('survives that the client reconnects', async () => {
    const server = await startServer();
    const client = ownClient(new Redis(server.port));
    await client.select(3);
    const store = await openLibrary(client);
    const killer = ownClient(new Redis(server.port));
    await store.timeline('t').append('one');
    await killer.call('client', 'kill', 'type', 'normal', 'skipme', 'yes');
    await store.timeline('t').append('two', { key: 'two' });
    expect((await store.timeline('t').read()).entries).toHaveLength(2);
    await killer.select(3);
    expect(await killer.dbsize()).toBeGreaterThan(0);
  });
});
