/**
 * A user's list of 10,000 conversations: `npm run build && npx tsx bench/sync-list.ts [store]`. Prints milliseconds of
 * the first call of a `MessageSync` and of later calls, medians of `ROUNDS` (5), each with a new one.
 */

import type { Diffusion, MessageSync, Stored, Synced } from '../sync/index.js';
import { createSync, readDiffusion } from './built.js';
import { median, printMachine } from './harness.js';
import { type BenchPlace, openPlace, PLACES } from './sync-places.js';

type Place = BenchPlace<Stored<string>, Synced<string>>;

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const [only] = process.argv.slice(2);
const names = Array.from({ length: 10_000 }, (_, i) => `conversation-${i}`);
const MESSAGES = 3;
const directory = { members: () => ['ann', 'bob'], conversations: () => names };

printMachine({});
for (const kind of PLACES.filter((each) => only === undefined || only === each)) {
  const place: Place = await openPlace(kind);
  try {
    await fill(place);
    console.log(`\n=== ${kind}`);
    await measure(place, 'heads of all', () => () => place.store.heads(names));
    await measure(place, 'first 20', (sync) => () => count(sync.conversations('bob', { limit: 20 })));
    await measure(place, 'all', (sync) => () => count(sync.conversations('bob')));
    await measure(place, 'unread totals up to 999', (sync) => () => sync.unread('bob'));
    await measure(place, 'unread totals, exact', (sync) => () => sync.unread('bob', { atMost: 1_000_000 }));
  } finally {
    await place.close();
  }
}

/** The messages are appended to the conversations themselves: a list reads no inbox. */
async function fill({ store }: Place): Promise<void> {
  for (let round = 0; round < MESSAGES; round++)
    for (let i = 0; i < names.length; i += 1000)
      await store.appendBatch(
        names.slice(i, i + 1000).map((timeline) => ({
          timeline,
          message: { kind: 'message', sender: 'ann', body: `hello ${timeline} ${round}` },
        })),
      );
}

async function measure(
  { store, sync: inboxes }: Place,
  title: string,
  prepare: (sync: MessageSync<string>) => () => Promise<unknown>,
): Promise<void> {
  const [first, later]: [number[], number[]] = [[], []];
  for (let round = -1; round < ROUNDS; round++) {
    const diffusion: Diffusion = readDiffusion();
    const sync = createSync<string>({ store, sync: inboxes, directory, diffusion, recoverEveryMs: 0 });
    const call = prepare(sync);
    const times: number[] = [];
    for (let i = 0; i < 4; i++) {
      const begin = performance.now();
      await call();
      times.push(performance.now() - begin);
    }
    await sync.close();
    if (round < 0) continue;
    first.push(times[0] as number);
    later.push(median(times.slice(1)));
  }
  console.log(`  ${title.padEnd(26)} first ${inColumn(first)}   later ${inColumn(later)}`);
}

async function count(items: AsyncIterable<unknown>): Promise<number> {
  let found = 0;
  for await (const _ of items) found++;
  return found;
}

function inColumn(times: number[]): string {
  return median(times).toFixed(0).padStart(5);
}
