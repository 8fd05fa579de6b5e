/**
 * The SQLite adapter, through the whole library, against better-sqlite3 by hand: `npm run build && npx tsx
 * bench/sqlite.ts`. Both sides turn objects into JSON and back. Compare ratios; rates depend on the machine.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TimelineStore } from '../src/index.js';
import { openTimelineStore, sqliteAdapter } from './built.js';
import { compare, concurrently, loopHolds, printMachine } from './harness.js';
import { openRaw } from './raw-sqlite.js';

interface Message {
  id: string;
  sender: string;
  text: string;
}

const message: Message = {
  id: 'msg-000000001',
  sender: 'user-42',
  text: 'so shall we meet at the usual place? '.repeat(4),
};
const messages = Array.from({ length: 1000 }, () => message);
const range = (count: number, first = 0) => Array.from({ length: count }, (_, i) => first + i);
const driver = createRequire(import.meta.url).resolve('better-sqlite3/package.json');
printMachine({ 'better-sqlite3': JSON.parse(readFileSync(driver, 'utf8')).version });

for (const synchronous of ['normal', 'full'] as const) {
  console.log(`\nsynchronous: ${synchronous}`);
  const directory = mkdtempSync(join(tmpdir(), 'timeline-bench-'));
  const raw = openRaw(join(directory, 'raw.db'), synchronous);
  const adapter = sqliteAdapter(join(directory, 'timelines.db'), { synchronous });
  const store = await openTimelineStore<Message>({ adapter, name: 'bench', onWarning: console.warn });
  await appends(store, raw, synchronous === 'full' ? 500 : 3000);
  await fanOut(store, raw);
  if (synchronous === 'normal') await reads(store, raw);
  await steadyLoad(store, raw);
  await store.close();
  raw.close();
  rmSync(directory, { recursive: true });
}

type Store = TimelineStore<Message>;
type Raw = ReturnType<typeof openRaw>;

async function appends(store: Store, raw: Raw, count: number) {
  const timelines = range(1000).map((i) => store.timeline(`one:${i}`));
  const byHand = async (i: number) => raw.append(i % 1000, [JSON.stringify(message)]);
  const byLibrary = (i: number) => timelines[i % 1000]!.append(message);
  await compare({
    title: 'append 1, one caller',
    unit: 'appends/s',
    goal: 0.85,
    cases: [
      { name: 'a transaction per call', run: () => concurrently(count, 1, byHand) },
      { name: 'timeline.append', run: () => concurrently(count, 1, byLibrary) },
    ],
  });
  for (const callers of [64, 256]) {
    const groups = Math.ceil((count * 4) / callers);
    await compare({
      title: `append 1, ${callers} concurrent callers`,
      unit: 'appends/s',
      cases: [
        { name: 'a transaction per call', run: () => concurrently(count, callers, byHand) },
        {
          name: `transactions of ${callers} by hand`,
          run: () => {
            for (let i = 0; i < groups; i++)
              raw.appendEach(
                (i * callers) % 744,
                range(callers).map(() => JSON.stringify(message)),
              );
            return groups * callers;
          },
        },
        { name: 'timeline.append', run: () => concurrently(groups * callers, callers, byLibrary) },
      ],
    });
  }
  for (const size of [100, 1000]) {
    let round = 0;
    const batch = messages.slice(0, size);
    await compare({
      title: `append ${size} to one Timeline, atomically`,
      unit: 'entries/s',
      goal: 0.8,
      cases: [
        {
          name: 'one transaction by hand',
          run: () => {
            for (const i of range(10_000 / size))
              raw.append(
                2000 + ((round++ + i) % 50),
                batch.map((item) => JSON.stringify(item)),
              );
            return 10_000;
          },
        },
        {
          name: 'timeline.appendMany',
          run: async () => {
            for (const i of range(10_000 / size)) await store.timeline(`many:${(round++ + i) % 50}`).appendMany(batch);
            return 10_000;
          },
        },
      ],
    });
  }
}

async function fanOut(store: Store, raw: Raw) {
  const inboxes = 3000;
  for (const _ of range(60)) {
    await store.appendToMany(
      range(inboxes).map((i) => `inbox:${i}`),
      message,
    );
    raw.fanOut(range(inboxes, 3000), JSON.stringify(message));
  }
  let round = 0;
  const recipients = () => range(500).map((i) => (round++ + i * 1511) % inboxes);
  await compare({
    title: 'fan-out of one message to 500 inboxes',
    unit: 'entries/s',
    goal: 0.85,
    cases: [
      {
        name: 'body once, pointers by hand',
        run: () => {
          for (const _ of range(10))
            raw.fanOut(
              recipients().map((i) => 3000 + i),
              JSON.stringify(message),
            );
          return 5000;
        },
      },
      {
        name: 'store.appendToMany',
        run: async () => {
          for (const _ of range(10))
            await store.appendToMany(
              recipients().map((i) => `inbox:${i}`),
              message,
            );
          return 5000;
        },
      },
    ],
  });
}

async function reads(store: Store, raw: Raw) {
  const history = store.timeline('history');
  for (const _ of range(20)) {
    await history.appendMany(messages);
    raw.append(
      9000,
      messages.map((item) => JSON.stringify(item)),
    );
  }
  const pageByHand = (after: number, limit: number) =>
    raw.page(9000, after, limit).map(([seq, body]) => ({ seq, message: JSON.parse(body) as Message }));
  const wholeByHand = () => {
    let seen = 0;
    for (let page = pageByHand(0, 500); page.length > 0; page = pageByHand(page.at(-1)!.seq, 500)) seen += page.length;
    return seen;
  };
  await compare({
    title: 'read a page of 100',
    unit: 'pages/s',
    goal: 0.9,
    cases: [
      { name: 'a query by hand', run: () => range(200).filter((i) => pageByHand(i * 50, 100)[99]!.message).length },
      {
        name: 'timeline.read',
        run: () =>
          concurrently(200, 1, async (i) => (await history.read({ after: BigInt(i * 50) })).entries[99]!.message),
      },
    ],
  });
  await compare({
    title: 'read 20,000 entries in pages of 500',
    unit: 'entries/s',
    goal: 0.9,
    cases: [
      { name: 'queries by hand', run: wholeByHand },
      {
        name: 'timeline.scan',
        run: async () => {
          let seen = 0;
          for await (const entry of history.scan()) seen += entry.message ? 1 : 0;
          return seen;
        },
      },
      {
        name: 'timeline.pages',
        run: async () => {
          let seen = 0;
          for await (const page of history.pages()) seen += page.entries.length;
          return seen;
        },
      },
    ],
  });
  await sweep(store, raw);
}

/** Read diffusion: 1000 Timelines, 10 of them with a new entry. */
async function sweep(store: Store, raw: Raw) {
  const heads = await store.heads(range(1000).map((i) => `one:${i}`));
  const position = (last: bigint, i: number) => (i % 100 === 0 ? last - 1n : last);
  const items = heads.map(({ timeline, lastSeqId }, i) => ({ timeline, after: position(lastSeqId, i) }));
  const rawLast = range(1000).map((i) => raw.page(i, 0, 100_000).length);
  const query = raw.sweep(rawLast.flatMap((last, i) => [i, i % 100 === 0 ? last - 1 : last]));
  await compare({
    title: 'sweep of 1000 Timelines, 10 changed',
    unit: 'sweeps/s',
    goal: 0.8,
    cases: [
      { name: 'a single query by hand', run: () => range(40).filter(() => query().length === 10).length },
      {
        name: 'store.readBatch',
        run: () => concurrently(40, 1, () => store.readBatch(items)),
      },
    ],
  });
}

/**
 * Measures how long the event loop is blocked while ten appends are made every 2 ms and a fan-out now and then, well
 * below the limit; and without any work of the library.
 */
async function steadyLoad(store: Store, raw: Raw) {
  const text = JSON.stringify(message);
  const inboxes = range(500);
  const loads: Record<string, (turn: number) => Promise<unknown> | undefined> = {
    'timeline-model': async (turn) => {
      await Promise.all(range(10).map((k) => store.timeline(`one:${(turn * 10 + k) % 1000}`).append(message)));
      if (turn % 20 === 0) {
        const ids = inboxes.map((k) => `inbox:${k}`);
        await store.appendToMany(ids, message);
      }
    },
    'by hand, checkpoints by SQLite itself': async (turn) => {
      raw.appendEach((turn * 10) % 990, Array<string>(10).fill(text));
      if (turn % 20 === 0) raw.fanOut(inboxes, text);
    },
    'nothing but the machine': () => undefined,
  };
  console.log('\nsteady load, 1000 turns: how long the event loop was held, in ms');
  for (const [name, load] of Object.entries(loads)) {
    const holds = await loopHolds(async () => {
      for (const turn of range(1000)) {
        await load(turn);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    });
    const above = holds.filter((hold) => hold > 10).length;
    const [longest = 0] = holds;
    console.log(`  ${name.padEnd(40)} longest ${longest.toFixed(1).padStart(6)}, above 10 ms ${above} times`);
  }
}
