import { once } from 'node:events';
import { Redis } from 'ioredis';
import type { Cursor } from '../src/types.js';
import { RedisServer } from '../test/support/redis-server.js';
import { openTimelineStore, redisAdapter } from './built.js';
import { type Case, compare, concurrently, formatRate, printMachine, quantile } from './harness.js';
import { RawRedis } from './raw-redis.js';

interface Message {
  readonly id: string;
  readonly sender: string;
  readonly at: number;
  readonly text: string;
}

const TEXT =
  'It is a truth universally acknowledged, that a single message in possession of a good reader must be kept. '.repeat(
    1,
  );

/** About 200 bytes of JSON. */
function message(i: number): Message {
  return { id: `m-${i}`, sender: `user-${i % 997}`, at: 1_750_000_000_000 + i, text: TEXT };
}

const ids = Array.from({ length: 10_000 }, (_, i) => `conversation-${i}`);
const keys = ids.map((id) => `raw:${id}`);
const recipients = (round: number) => Array.from({ length: 500 }, (_, i) => (round * 500 + i * 7) % ids.length);
const server = await RedisServer.start({ args: ['--stream-node-max-bytes', process.env.NODE_BYTES ?? '4096'] });
const raw = new RawRedis(server.port);
const client = new Redis(server.port);
const store = await openTimelineStore<Message>({ adapter: redisAdapter(client), name: 'bench', onWarning: () => {} });
const only = process.argv[2];
let serial = 0;

async function job(title: string, unit: string, goal: number, cases: Case[]): Promise<void> {
  if (!only || title.includes(only)) await compare({ title, unit, goal, cases, serverCpu });
}

/** Seconds that the main thread of the server has worked. */
async function serverCpu(): Promise<number> {
  const info = await client.info('cpu');
  const seconds = (kind: string) => Number(new RegExp(`used_cpu_${kind}_main_thread:(\\S+)`).exec(info)?.[1]);
  return seconds('user') + seconds('sys');
}

/** As long as the keys of copies of a conversation's messages. */
const newKey = () => `${serial++}.mbx3k2f8@conversation-${serial % 997}`;

function pairOfKeyedAppends(count: number, callers: number): Case[] {
  return [
    {
      name: 'script with HSETNX, XADD, HSET',
      run: () =>
        concurrently(count, callers, (i) =>
          raw.keyed([`${keys[(i * 31) % keys.length]}:keyed`], message(serial), newKey()),
        ),
    },
    {
      name: 'timeline.append with key',
      run: () =>
        concurrently(count, callers, (i) =>
          store.timeline(ids[(i * 31) % ids.length]!).append(message(serial), { key: newKey() }),
        ),
    },
  ];
}

function pairOfAppends(count: number, callers: number): Case[] {
  return [
    {
      name: 'ioredis xadd',
      run: () => concurrently(count, callers, (i) => raw.append(keys[(i * 31) % keys.length]!, message(serial++))),
    },
    {
      name: 'timeline.append',
      run: () =>
        concurrently(count, callers, (i) => store.timeline(ids[(i * 31) % ids.length]!).append(message(serial++))),
    },
  ];
}

try {
  const version = /redis_version:(\S+)/.exec(await client.info('server'))?.[1] ?? '';
  printMachine({ 'redis-server': version, ioredis: '6' });
  await job('append, one caller', 'rows/s', 0.85, pairOfAppends(1000, 1));
  await job('append, 64 callers', 'rows/s', 1, pairOfAppends(10_000, 64));
  await job('append, 256 callers', 'rows/s', 1.3, pairOfAppends(10_000, 256));
  await job('append with key, one caller', 'rows/s', 0.8, pairOfKeyedAppends(1000, 1));
  await job('append with key, 256 callers', 'rows/s', 0.7, pairOfKeyedAppends(10_000, 256));

  const thousand = Array.from({ length: 1000 }, (_, i) => message(i));
  await job('1000 messages to one Timeline', 'rows/s', 0.8, [
    { name: 'one EVALSHA', run: async () => (await repeat(10, () => raw.appendMany('raw:batch', thousand))) * 1000 },
    {
      name: 'appendMany',
      run: async () => (await repeat(10, () => store.timeline('batch').appendMany(thousand))) * 1000,
    },
  ]);
  await job('one message to 500 Timelines', 'rows/s', 0.8, [
    {
      name: 'EVALSHA of 100 keys, in flight together',
      run: async () =>
        (await repeat(20, (i) =>
          raw.fanOut(
            recipients(i).map((place) => keys[place]!),
            message(i),
          ),
        )) * 500,
    },
    {
      name: 'appendToMany',
      run: async () =>
        (await repeat(20, (i) =>
          store.appendToMany(
            recipients(i).map((place) => ids[place]!),
            message(i),
          ),
        )) * 500,
    },
  ]);
  await job('one message with key to 500 Timelines', 'rows/s', 0.7, [
    {
      name: 'EVALSHA of 100 keys: HSETNX, XADD, HSET',
      run: async () =>
        (await repeat(20, (i) =>
          raw.keyed(
            recipients(i).map((place) => `${keys[place]}:keyed`),
            message(i),
            newKey(),
          ),
        )) * 500,
    },
    {
      name: 'appendToMany with key',
      run: async () =>
        (await repeat(20, (i) =>
          store.appendToMany(
            recipients(i).map((place) => ids[place]!),
            message(i),
            { key: newKey() },
          ),
        )) * 500,
    },
  ]);

  await raw.appendMany('raw:pages', [...thousand, ...thousand]);
  await store.timeline('pages').appendMany(thousand);
  await store.timeline('pages').appendMany(thousand);
  const pages = store.timeline('pages');
  await job('page of 100, parsed', 'rows/s', 0.85, [
    {
      name: 'ioredis xrange',
      run: () => sumOf(100, async (i) => (await raw.page('raw:pages', (i % 19) * 100, 100)).length),
    },
    {
      name: 'timeline.read',
      run: () =>
        sumOf(100, async (i) => {
          const { entries } = await pages.read({ after: BigInt((i % 19) * 100), limit: 100 });
          return entries.filter((entry) => entry.message.id !== '').length;
        }),
    },
  ]);

  const swept = ids.slice(0, 1000).map((id) => `sweep-${id}`);
  const sweptKeys = swept.map((id) => `raw:${id}`);
  const cursors: Cursor[] = [];
  for (const [i, id] of swept.entries()) {
    await raw.append(sweptKeys[i]!, message(i));
    cursors.push((await store.timeline(id).append(message(i))).cursor);
  }
  for (let i = 0; i < 1000; i += 100) {
    await raw.append(sweptKeys[i]!, message(i));
    await store.timeline(swept[i]!).append(message(i));
  }
  const positions = swept.map(() => 1);
  const ranges = swept.map((timeline, i) => ({ timeline, after: cursors[i]! }));
  await job('sweep of 1000 Timelines, 10 with news', 'sweeps/s', 0.8, [
    { name: 'one XREAD', run: () => repeat(50, async () => expectNews(await raw.sweep(sweptKeys, positions))) },
    {
      name: 'readBatch',
      run: () =>
        repeat(50, async () => {
          const found = await store.readBatch(ranges);
          expectNews(
            found.reduce((sum, { entries }) => sum + entries.filter((entry) => entry.message.id !== '').length, 0),
          );
        }),
    },
  ]);

  if (!only) {
    await wakeUps();
    await memory();
  }
} finally {
  await store.close();
  client.disconnect();
  raw.client.disconnect();
  await server.stop();
}

async function repeat(count: number, run: (i: number) => Promise<unknown>): Promise<number> {
  for (let i = 0; i < count; i++) await run(i);
  return count;
}

async function sumOf(count: number, run: (i: number) => Promise<number>): Promise<number> {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += await run(i);
  return sum;
}

function expectNews(count: number): void {
  if (count !== 10) throw new Error(`10 entries are new, not ${count}`);
}

/** Measures from the call of an append until a waiting reader has the entry. */
async function wakeUps(): Promise<void> {
  const times: number[][] = [[], []];
  const reader = new Redis(server.port);
  await once(reader, 'ready');
  const entries = store.timeline('wake').subscribe()[Symbol.asyncIterator]();
  for (let i = 0; i < 300; i++) {
    const block = reader.xread('COUNT', 1, 'BLOCK', 5000, 'STREAMS', 'raw:wake', '$');
    await pause(3);
    let start = performance.now();
    void raw.append('raw:wake', message(i));
    await block;
    times[0]!.push(performance.now() - start);
    const next = entries.next();
    await pause(3);
    start = performance.now();
    void store.timeline('wake').append(message(i));
    await next;
    times[1]!.push(performance.now() - start);
  }
  await entries.return?.();
  reader.disconnect();
  console.log('\nwake-up, from append to reader');
  for (const [i, name] of ['XREAD BLOCK', 'subscribe'].entries()) {
    const [median, late] = [0.5, 0.99].map((q) => quantile(times[i]!, q).toFixed(2));
    console.log(`  ${name.padEnd(12)} p50 ${median} ms, p99 ${late} ms`);
  }
}

async function memory(): Promise<void> {
  const used = async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
  console.log('\nmemory per inbox entry of 200 bytes, 2000 inboxes');
  for (const entries of [1, 20, 100]) {
    const inboxes = Array.from({ length: 2000 }, (_, i) => `memory-${entries}-${i}`);
    const start = await used();
    for (let i = 0; i < entries; i++)
      await raw.fanOut(
        inboxes.map((id) => `raw:${id}`),
        message(i),
      );
    const between = await used();
    for (let i = 0; i < entries; i++) await store.appendToMany(inboxes, message(i));
    const withoutKeys = await used();
    const keyed = inboxes.map((id) => `keyed-${id}`);
    for (let i = 0; i < entries; i++) await store.appendToMany(keyed, message(i), { key: newKey() });
    const withKeys = await used();
    await client.del(keyed.map((id) => `tl:bench:{${id}}:k`));
    const [streams, timelines, inWindow, after] = [
      between - start,
      withoutKeys - between,
      withKeys - withoutKeys,
      (await used()) - withoutKeys,
    ].map((bytes) => formatRate(bytes / 2000 / entries));
    console.log(
      `  ${String(entries).padStart(3)} entries each: stream ${streams} B, Timeline ${timelines} B, with keys ` +
        `${inWindow} B, after their window ${after} B`,
    );
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
