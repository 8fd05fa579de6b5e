import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { redisAdapter } from '../../adapters/redis/index.js';

describe('options of the adapter', () => {
  const client = new Redis({ lazyConnect: true });

  it('that do not exist or do not fit are refused', () => {
    const refuse = (options: object, why: RegExp) => expect(() => redisAdapter(client, options)).toThrow(why);
    refuse({ prefx: 'a' }, /prefx/);
    refuse({ prefix: 'a{b' }, /prefix/);
    refuse({ prefix: 7 }, /prefix/);
    refuse({ keyWindowMs: 0 }, /keyWindowMs/);
    refuse({ waitReplicas: -1 }, /waitReplicas/);
    refuse({ sweepMs: 0.5 }, /sweepMs/);
    expect(() => redisAdapter(client, { prefix: undefined, waitReplicas: 0 })).not.toThrow();
  });
});
