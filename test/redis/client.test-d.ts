import { Cluster, Redis } from 'ioredis';
import { describe, expectTypeOf, it } from 'vitest';
import { type RedisClient, redisAdapter } from '../../adapters/redis/index.js';
import type { TimelineAdapter } from '../../src/index.js';

describe('redisAdapter', () => {
  it('takes a Redis and a Cluster of ioredis, with whatever options they were made', () => {
    expectTypeOf(redisAdapter).returns.toEqualTypeOf<TimelineAdapter>();
    expectTypeOf<Redis>().toExtend<RedisClient>();
    expectTypeOf<Cluster>().toExtend<RedisClient>();
    redisAdapter(new Redis({ lazyConnect: true, protocol: 2 }));
    redisAdapter(new Redis({ lazyConnect: true, replyMapping: 'resp3' }), { prefix: 'chat:', waitReplicas: 1 });
    redisAdapter(new Cluster([{ port: 7000 }], { lazyConnect: true }));
  });

  it('takes nothing else, and no unknown option', () => {
    // @ts-expect-error: not a client
    redisAdapter('redis://localhost');
    // @ts-expect-error: no such option
    redisAdapter(new Redis(), { prefx: 'chat:' });
    // @ts-expect-error: no such value
    redisAdapter(new Redis(), { waitReplicas: '1' });
  });
});
