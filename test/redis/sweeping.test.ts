import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { hasRedis, type RedisServer } from '../support/redis-server.js';
import type { RedisStore } from '../support/redis-store.js';
import { until } from '../support/until.js';
import { callsOf, openOn, startServer } from './support.js';

/** The longest that another client waits for an answer while `work` is done. */
async function longestPing(server: RedisServer, work: () => Promise<unknown>): Promise<number> {
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

/** The share of scripts that took the server longer than 5 ms, of all since the counters were reset. */
async function slowScripts({ client }: RedisStore): Promise<{ share: number; calls: number }> {
  const slow = (await client.call('slowlog', 'len')) as number;
  const calls = await callsOf(client, 'evalsha');
  return { share: slow / Math.max(1, calls), calls };
}

describe.skipIf(!hasRedis())('sweeping', () => {
  it('a Timeline with many entries and edits delays no other client', { timeout: 30_000 }, async () => {
    const server = await startServer();
    const redis = await openOn(server, { adapter: { sweepMs: 100 }, store: { ttlMs: 3_600_000 } });
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
    await client.set(meta, [String(now).padStart(16, '0'), count, state[2], state[3], 1, old, 0, 'u', '-'].join(' '));
    await client.config('SET', 'slowlog-log-slower-than', '5000');
    await client.config('RESETSTAT');
    await client.call('slowlog', 'reset');
    const longest = await longestPing(server, () =>
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
      /^\S+ \S+ \S+ \S+ \S+ \S+ \S+ u /.test(String(await client.get(meta))),
    );
  });
});
