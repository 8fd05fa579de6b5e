import { Redis } from 'ioredis';
import { openTimelineStore } from 'timeline-model';
import { redisAdapter } from 'timeline-model/redis';
import { checkRedis } from './check-redis.cjs';

await checkRedis(openTimelineStore, redisAdapter, new Redis(Number(process.argv[2])), 'esm:');
console.log('done');
