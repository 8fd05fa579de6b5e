import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { redisAdapter } from '../../adapters/redis/index.js';
import { sqliteAdapter } from '../../adapters/sqlite/index.js';

const redis = (options: object) => redisAdapter(new Redis({ lazyConnect: true }), options as never);
const sqlite = (options: object) => sqliteAdapter('unused.db', options as never);
const memory = (options: object) => memoryAdapter(options as never);

describe('the options of an adapter', () => {
  it.each([
    ['a name that is none', sqlite, { syncronous: 'full' }, 'syncronous'],
    ['a value of another type', sqlite, { readonly: 'yes' }, 'readonly'],
    ['a word that is none of the choices', sqlite, { synchronous: 'off' }, 'synchronous'],
    ['a number below the least', memory, { sweepMs: 0 }, 'sweepMs'],
    ['a fraction', memory, { keyWindowMs: 1.5 }, 'keyWindowMs'],
    ['a prefix with braces', redis, { prefix: '{a}' }, 'prefix'],
  ] as const)('refuse %s, before anything is opened', (_, make, options, argument) => {
    expect(() => make(options)).toThrow(expect.objectContaining({ code: 'TIMELINE_INVALID_ARGUMENT', argument }));
  });

  it('take 0 where it means something, and undefined for the default', () => {
    expect(() => sqlite({ busyTimeoutMs: 0, keyWindowMs: undefined })).not.toThrow();
  });
});
