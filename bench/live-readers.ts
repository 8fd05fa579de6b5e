/**
 * Live readers: many subscriptions of one Timeline, of many Timelines, and idle ones:
 * `npm run build && npx tsx bench/live-readers.ts [part] [store]`. Parts: `one`, `many`, `idle`, `wake`.
 */
import { Redis } from 'ioredis';
import type { TimelineStore } from '../src/index.js';
import { RedisServer } from '../test/support/redis-server.js';
import { openTimelineStore, redisAdapter } from './built.js';
import { loopHolds, printMachine, quantile } from './harness.js';
import { openPlace, PLACES } from './sync-places.js';

const READERS = Number(process.env.READERS ?? 10_000);
const [part, only] = process.argv.slice(2);
const isWanted = (name: string) => part === undefined || part === name;
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const ms = (value: number) => `${value.toFixed(2)} ms`;

printMachine({});
for (const kind of PLACES.filter((each) => only === undefined || only === each)) {
  console.log(`\n=== ${kind}`);
  for (const [name, job] of Object.entries({ one, many, idle })) {
    if (!isWanted(name)) continue;
    const place = await openPlace<string, string>(kind);
    await job(place.store, () => place.counts.total);
    await place.close();
  }
}
if (isWanted('wake') && (only === undefined || only === 'redis')) await wake();

type Requests = () => number;

/** Subscribes to each Timeline and resolves once all wait. `onEntry` runs for each new entry. */
async function subscribeAll(
  store: TimelineStore<string>,
  timelines: readonly string[],
  onEntry: (message: string) => void,
): Promise<() => Promise<void>> {
  const abort = new AbortController();
  let waiting = 0;
  const reading = timelines.map(async (timeline) => {
    const onCaughtUp = () => waiting++;
    try {
      for await (const { message } of store.timeline(timeline).subscribe({ signal: abort.signal, onCaughtUp }))
        onEntry(message);
    } catch {
      // The signal ends it.
    }
  });
  while (waiting < timelines.length) await pause(10);
  return async () => {
    abort.abort();
    await Promise.all(reading);
  };
}

async function one(store: TimelineStore<string>, requests: Requests): Promise<void> {
  const [rounds, start] = [20, performance.now()];
  const latencies: number[] = [];
  let sentAt = 0;
  let got = 0;
  let all: () => void = () => undefined;
  const stop = await subscribeAll(store, Array(READERS).fill('one'), () => {
    latencies.push(performance.now() - sentAt);
    if (++got % READERS === 0) all();
  });
  const startMs = performance.now() - start;
  const before = requests();
  const holds = await loopHolds(async () => {
    for (let round = 0; round < rounds; round++) {
      const done = new Promise<void>((resolve) => {
        all = resolve;
      });
      sentAt = performance.now();
      await Promise.all([store.timeline('one').append(`m${round}`), done]);
      await pause(50);
    }
  });
  console.log(`${READERS} subscriptions of one Timeline, caught up within ${ms(startMs)}`);
  printLatencies(latencies);
  console.log(`  calls of the adapter per append ${((requests() - before) / rounds).toFixed(1)}`);
  console.log(`  longest hold of the event loop ${ms(holds[0] ?? 0)}`);
  await stop();
}

async function many(store: TimelineStore<string>): Promise<void> {
  const timelines = Array.from({ length: READERS }, (_, i) => `timeline ${i}`);
  await store.appendToMany(timelines, '0');
  const latencies: number[] = [];
  const stop = await subscribeAll(store, timelines, (sentAt) => {
    if (sentAt !== '0') latencies.push(performance.now() - Number(sentAt));
  });
  await pause(1000);
  const appends: Promise<unknown>[] = [];
  const holds = await loopHolds(async () => {
    for (let i = 0; i < 500; i++) {
      const timeline = timelines[(i * 7919) % READERS] as string;
      appends.push(store.timeline(timeline).append(String(performance.now())));
      await pause(10);
    }
    await Promise.all(appends);
    await pause(500);
  });
  console.log(`${READERS} Timelines with a subscription each, an append every 10 ms`);
  console.log(`  heard of ${latencies.length} of ${appends.length} appends`);
  printLatencies(latencies);
  console.log(`  longest hold of the event loop ${ms(holds[0] ?? 0)}`);
  await stop();
}

async function idle(store: TimelineStore<string>, requests: Requests): Promise<void> {
  const timelines = Array.from({ length: READERS }, (_, i) => `timeline ${i}`);
  await store.appendToMany(timelines, '0');
  const stop = await subscribeAll(store, timelines, () => undefined);
  await pause(8000);
  const [before, cpu, start] = [requests(), process.cpuUsage(), performance.now()];
  await pause(8000);
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  console.log(`${READERS} idle subscriptions of as many Timelines`);
  console.log(`  ${((user + system) / 1e4 / seconds).toFixed(2)} % of a core`);
  console.log(`  calls of the adapter per second ${((requests() - before) / seconds).toFixed(1)}`);
  await stop();
}

/** The time from an append to a waiting subscription of another store, and to a loop of XREAD BLOCK on its stream. */
async function wake(): Promise<void> {
  const server = await RedisServer.start();
  const clients = [0, 1, 2].map(() => new Redis(server.port));
  const [own, other, waiting] = clients as [Redis, Redis, Redis];
  const reader = await openTimelineStore<string>({ adapter: redisAdapter(own), name: 'wake' });
  const writer = await openTimelineStore<string>({ adapter: redisAdapter(other), name: 'wake' });
  const latencies: { readonly ours: number[]; readonly raw: number[] } = { ours: [], raw: [] };
  let sentAt = 0;
  let left = 0;
  let all: () => void = () => undefined;
  const hear = (kind: keyof typeof latencies) => {
    latencies[kind].push(performance.now() - sentAt);
    if (--left === 0) all();
  };
  const stop = await subscribeAll(reader, ['one'], () => hear('ours'));
  let isOver = false;
  const loop = (async () => {
    for (let last = '0-0'; !isOver; ) {
      const answer = await waiting.xread('COUNT', 16, 'BLOCK', 500, 'STREAMS', 'tl:wake:{one}:s', last);
      if (!answer) continue;
      last = answer[0]![1].at(-1)![0];
      hear('raw');
    }
  })();
  await pause(200);
  await other.config('RESETSTAT');
  const rounds = 1000;
  for (let i = 0; i < rounds; i++) {
    const done = new Promise<void>((resolve) => {
      all = resolve;
    });
    left = 2;
    sentAt = performance.now();
    await Promise.all([writer.timeline('one').append(`m${i}`), done]);
    await pause(1);
  }
  isOver = true;
  console.log('\nredis: an append heard by a waiting subscription, and by a loop of XREAD BLOCK');
  for (const kind of ['ours', 'raw'] as const) {
    console.log(kind === 'ours' ? '  subscription' : '  XREAD BLOCK');
    printLatencies(latencies[kind].slice(100));
  }
  await stop();
  await Promise.all([reader.close(), writer.close(), loop]);
  for (const client of clients) client.disconnect();
  await server.stop();
}

function printLatencies(latencies: readonly number[]): void {
  const [median, p99, longest] = [0.5, 0.99, 1].map((part) => ms(quantile(latencies, part)));
  console.log(`  from append to handler: p50 ${median}, p99 ${p99}, longest ${longest}`);
}
