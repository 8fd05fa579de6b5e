import { Redis } from 'ioredis';

/** Scripts that a program without the library would use: a batch to one stream, and a message to many. */
const BATCH = `local id; for i = 1, #ARGV do id = redis.call('XADD', KEYS[1], '0-*', 'm', ARGV[i]) end return id`;
const FAN_OUT = `local ids = {}
  for i = 1, #KEYS do ids[i] = redis.call('XADD', KEYS[i], '0-*', 'm', ARGV[1]) end return ids`;
/** The same with a key that is kept, and answered if it is known: what a keyed append promises. */
const KEYED = `local ids = {}
  for i = 1, #KEYS, 2 do
    local stream, keys, key = KEYS[i], KEYS[i + 1], ARGV[2]
    local id
    if redis.call('HSETNX', keys, key, '') == 1 then
      id = redis.call('XADD', stream, '0-*', 'm', ARGV[1])
      redis.call('HSET', keys, key, id)
    else
      id = redis.call('HGET', keys, key)
    end
    ids[#ids + 1] = id
  end
  return ids`;
const KEYS_PER_SCRIPT = 100;

type WithScripts = Redis & {
  batch(key: string, ...bodies: string[]): Promise<string>;
  fanOut(count: number, ...keysAndBody: string[]): Promise<string[]>;
  keyed(count: number, ...keysBodyAndKey: string[]): Promise<string[]>;
};

/** The fastest ioredis calls for each job, with JSON both ways. */
export class RawRedis {
  readonly client: WithScripts;

  constructor(port: number) {
    const client = new Redis(port);
    client.defineCommand('batch', { numberOfKeys: 1, lua: BATCH });
    client.defineCommand('fanOut', { lua: FAN_OUT });
    client.defineCommand('keyed', { lua: KEYED });
    this.client = client as WithScripts;
  }

  append(key: string, message: unknown): Promise<unknown> {
    return this.client.xadd(key, '0-*', 'm', JSON.stringify(message));
  }

  appendMany(key: string, messages: readonly unknown[]): Promise<unknown> {
    return this.client.batch(key, ...messages.map((message) => JSON.stringify(message)));
  }

  fanOut(keys: readonly string[], message: unknown): Promise<unknown> {
    const body = JSON.stringify(message);
    const scripts: Promise<unknown>[] = [];
    for (let i = 0; i < keys.length; i += KEYS_PER_SCRIPT) {
      const chunk = keys.slice(i, i + KEYS_PER_SCRIPT);
      scripts.push(this.client.fanOut(chunk.length, ...chunk, body));
    }
    return Promise.all(scripts);
  }

  /** One message to each stream, with an idempotency key. */
  keyed(keys: readonly string[], message: unknown, key: string): Promise<unknown> {
    const body = JSON.stringify(message);
    const scripts: Promise<unknown>[] = [];
    for (let i = 0; i < keys.length; i += KEYS_PER_SCRIPT) {
      const chunk = keys.slice(i, i + KEYS_PER_SCRIPT).flatMap((each) => [each, `${each}:keys`]);
      scripts.push(this.client.keyed(chunk.length, ...chunk, body, key));
    }
    return Promise.all(scripts);
  }

  async page(key: string, after: number, limit: number): Promise<{ seqId: number; message: unknown }[]> {
    const rows = await this.client.xrange(key, `(0-${after}`, '+', 'COUNT', limit);
    return rows.map(([id, fields]) => ({
      seqId: Number(id.slice(2)),
      message: JSON.parse(fields[1] as string) as unknown,
    }));
  }

  async sweep(keys: readonly string[], after: readonly number[]): Promise<number> {
    const found = await this.client.xread('COUNT', 100, 'STREAMS', ...keys, ...after.map((seqId) => `0-${seqId}`));
    let count = 0;
    for (const [, rows] of found ?? []) for (const [, fields] of rows) if (JSON.parse(fields[1] as string)) count++;
    return count;
  }
}
