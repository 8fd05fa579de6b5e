import { expect, it, onTestFinished } from 'vitest';
import type { TimelineStore } from '../../src/types.js';
import { TablestorePath } from '../support/tablestore-path.js';
import { newClient } from '../support/tablestore-store.js';
import { emulate, open } from './support.js';

const RUN_MS = 2500;

interface Progress {
  acknowledged: number;
  longestMs: number;
}

/** Writers that each append one message after the other, until `until`. */
async function write(store: TimelineStore<string>, writers: number, until: number): Promise<Progress> {
  const progress = { acknowledged: 0, longestMs: 0 };
  const one = async () => {
    while (performance.now() < until) {
      const begun = performance.now();
      await store.timeline('contended').append('m');
      progress.acknowledged++;
      progress.longestMs = Math.max(progress.longestMs, performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: writers }, one));
  return progress;
}

/** Milliseconds of an append without others, on a machine that may be busy. */
async function roundTripTo(store: TimelineStore<string>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 11; i++) {
    const begun = performance.now();
    await store.timeline('alone').append('m');
    times.push(performance.now() - begun);
  }
  return times.sort((a, b) => a - b)[5] as number;
}

it.each([
  ['cas', [1, 1]],
  ['cas', [25, 25]],
  ['cas', [1, 25]],
  ['cas', [1, 1, 1, 1]],
  ['manual', [1, 1]],
  ['manual', [10, 10]],
] as const)('with %s handles of %j writers, 5 ms away, come to their turns', async (sequence, writers) => {
  const emulator = await emulate();
  const path = await TablestorePath.start(emulator.endpoint, 5);
  onTestFinished(() => path.close());
  const { instanceName, accessKeyId, accessKeySecret } = emulator;
  const address = { endpoint: path.endpoint, instanceName, accessKeyId, accessKeySecret };
  const stores: TimelineStore<string>[] = [];
  for (const _ of writers) stores.push(await open(emulator, { sequence }, { client: newClient(address) }));
  const roundTrip = await roundTripTo(stores[0] as TimelineStore<string>);
  // One has been at it alone for a while when the others come.
  const until = performance.now() + RUN_MS;
  const [first, ...others] = stores as [TimelineStore<string>, ...TimelineStore<string>[]];
  const results = await Promise.all([
    write(first, writers[0], until),
    ...others.map((store, i) => write(store, writers[i + 1] as number, until)),
  ]);
  const longest = Math.max(...results.map(({ longestMs }) => longestMs));
  const shares = results.map(({ acknowledged }, i) => acknowledged / (writers[i] as number));
  expect(longest).toBeLessThan(Math.max(1000, 100 * roundTrip) * (writers.length / 2));
  expect(Math.max(...shares) / Math.min(...shares)).toBeLessThan(1.5 * writers.length);
  const { entries } = await first.timeline('contended').read({ limit: 100_000 });
  expect(entries.map(({ seqId }) => seqId)).toEqual(entries.map((_, i) => BigInt(i + 1)));
});
