// Compiled against the installed package and the types that ioredis brings, of both its versions.
import { Cluster, Redis } from 'ioredis';
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis5';
import type { TimelineAdapter } from 'timeline-model';
import { redisAdapter } from 'timeline-model/redis';

export const adapters: readonly TimelineAdapter[] = [
  redisAdapter(new Redis(), { prefix: 'chat:', waitReplicas: 1 }),
  redisAdapter(new Cluster([{ port: 7000 }])),
  redisAdapter(new Redis5()),
  redisAdapter(new Cluster5([{ port: 7000 }])),
];
