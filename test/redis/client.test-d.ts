import { Cluster, Redis } from 'ioredis';
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5';
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

  it('takes those of ioredis 5', () => {
    expectTypeOf<Redis5>().toExtend<RedisClient>();
    expectTypeOf<Cluster5>().toExtend<RedisClient>();
    redisAdapter(new Redis5({ lazyConnect: true }));
    redisAdapter(new Cluster5([{ port: 7000 }], { lazyConnect: true }));
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
