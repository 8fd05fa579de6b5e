import { Redis } from 'ioredis';
import { describe, it, onTestFinished } from 'vitest';
import { redisAdapter } from '../../adapters/redis/index.js';
import { openTimelineStore } from '../../src/index.js';
import { hasRedis, RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { expectAllOf, expectEachOnce, Follower, readAll, Writer } from './load.js';

const NAME = 'timelines';

async function start(args: readonly string[] = [], config?: string): Promise<RedisServer> {
  const server = await RedisServer.start({ args, ...(config !== undefined && { config }) });
  onTestFinished(() => server.stop());
  return server;
}

describe.skipIf(!hasRedis())('behind Sentinel', () => {
  it('a writer and a reader go on with the server that took over', async () => {
    const master = await start();
    // One to take over, one to hold what the other has.
    const following = ['--replicaof', '127.0.0.1', String(master.port), '--repl-diskless-sync-delay', '0'];
    const replicas = await Promise.all([start(following), start(following)]);
    const watched = [
      `sentinel monitor ${NAME} 127.0.0.1 ${master.port} 1`,
      `sentinel down-after-milliseconds ${NAME} 500\n`,
    ].join('\n');
    const sentinel = await start(['--sentinel'], watched);
    const client = new Redis({ sentinels: [{ host: '127.0.0.1', port: sentinel.port }], name: NAME });
    client.on('error', () => {});
    onTestFinished(() => client.disconnect());
    const probe = new Redis(sentinel.port);
    onTestFinished(() => probe.disconnect());
    await until(
      'Sentinel knows the replicas',
      async () => ((await probe.call('sentinel', 'replicas', NAME)) as unknown[]).length === 2,
    );

    await using store = await openTimelineStore<string>({
      adapter: redisAdapter(client, { waitReplicas: 1, waitMs: 1000 }),
      name: 'library',
      pollMs: 100,
      onWarning: () => {},
    });
    const timeline = store.timeline('timeline');
    await until('a write reaches the replica', () =>
      timeline.append('first', { key: 'first' }).then(
        () => true,
        () => false,
      ),
    );
    const writer = new Writer(timeline, 'w', 8);
    const follower = new Follower(timeline);
    await until('the writer is at work', () => writer.acknowledged.size > 100);
    await master.end('SIGKILL');
    await until('Sentinel named another', async () => {
      const [, port] = (await probe.call('sentinel', 'get-master-addr-by-name', NAME)) as [string, string];
      return replicas.some((replica) => replica.port === Number(port));
    });
    const after = writer.acknowledged.size;
    await until('the writer is at work again', () => writer.acknowledged.size > after + 100, 30_000);
    await writer.stop();
    const entries = await readAll(timeline);
    await until('the follower has all', () => follower.last === entries.at(-1)?.seqId);
    await follower.stop();
    expectAllOf(writer, entries);
    for (const segment of follower.segments) expectEachOnce(segment);
    const refused = follower.refusals.length > 0 ? `refused with ${follower.refusals}` : 'not refused';
    console.log(`Sentinel: ${writer.acknowledged.size} acknowledged, 0 lost, 0 repeated, the reader was ${refused}`);
  });
});
