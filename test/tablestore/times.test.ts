import { describe, expect, it } from 'vitest';
import type { TimelineStore } from '../../src/types.js';
import { emulate, open } from './support.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

async function times(store: TimelineStore<string>, reverse = false): Promise<number[]> {
  const found: number[] = [];
  for await (const { appendedAt } of store.timeline('timeline').scan({ reverse })) found.push(appendedAt);
  return reverse ? found.reverse() : found;
}

const falls = (values: readonly number[]) => values.filter((value, i) => value < (values[i - 1] ?? 0)).length;

describe.each(['cas', 'auto', 'manual'] as const)('with %s times along a Timeline never fall', (sequence) => {
  it('while writers contend', async () => {
    const emulator = await emulate();
    const stores = await Promise.all([1, 2, 3].map(() => open(emulator, { sequence, settleMs: 20 })));
    await Promise.all(
      stores.map(async (store) => {
        for (let i = 0; i < 40; i++) await store.timeline('timeline').append('m');
      }),
    );
    const store = stores[0] as TimelineStore<string>;
    expect(await times(store)).toHaveLength(120);
    expect([falls(await times(store)), falls(await times(store, true))]).toEqual([0, 0]);
  });

  it('though the clocks of their processes are hours apart, and are the service’s', async () => {
    const emulator = await emulate();
    const stores = await Promise.all(
      [0, HOUR_MS, -5 * HOUR_MS].map((off) =>
        open(emulator, { sequence, settleMs: 20 }, { now: () => Date.now() + off }),
      ),
    );
    for (let i = 0; i < 4; i++) for (const store of stores) await store.timeline('timeline').append('m');
    for (const store of stores) {
      const found = await times(store);
      expect(falls(found)).toBe(0);
      for (const at of found) expect(Math.abs(at - Date.now())).toBeLessThan(30_000);
    }
  });
});

it.each(['auto', 'manual'] as const)(
  'with %s only a prefix expires, and readers are told, though trusted clocks are an hour apart',
  async (sequence) => {
    let at = Date.UTC(2030, 0, 1);
    const emulator = await emulate({ now: () => at });
    const options = { ttlMs: DAY_MS, clockToleranceMs: Number.POSITIVE_INFINITY };
    const behind = await open(emulator, { sequence, settleMs: 0 }, { ...options, now: () => at });
    const ahead = await open(emulator, { sequence, settleMs: 0 }, { ...options, now: () => at + HOUR_MS });
    const ids: bigint[] = [];
    for (const store of [ahead, behind, ahead, behind]) {
      ids.push((await store.timeline('timeline').append('m')).seqId);
      at += 60_000;
    }
    const timeline = behind.timeline('timeline');
    const { cursor } = (await timeline.get(ids[0] as bigint))!;
    for (const ms of [DAY_MS - 10 * 60_000, 30 * 60_000, HOUR_MS]) {
      at += ms;
      const { entries } = await timeline.read();
      expect(entries.map(({ seqId }) => seqId)).toEqual(ids.slice(ids.length - entries.length));
      const page = await timeline.read({ after: cursor });
      const first = page.entries[0]?.seqId ?? (ids.at(-1) as bigint) + 1n;
      if (first > (ids[1] as bigint))
        expect(page.truncated?.through).toBeGreaterThanOrEqual(ids[ids.indexOf(first) - 1] ?? ids[3]!);
    }
    expect((await timeline.read()).entries).toEqual([]);
  },
);

it.each(['cas', 'auto', 'manual'] as const)(
  'with %s a time that was set ahead is put right in the table',
  async (sequence) => {
    const emulator = await emulate();
    const trusting = { now: () => Date.now() + 400 * DAY_MS, clockToleranceMs: Number.POSITIVE_INFINITY };
    const poisoning = await open(emulator, { sequence, settleMs: 0 }, trusting);
    await poisoning.timeline('timeline').append('poisoned');
    await poisoning.close();
    const store = await open(emulator, { sequence, settleMs: 0 });
    expect(Math.abs((await times(store))[0]! - Date.now())).toBeLessThan(30_000);
    await store.close();
    const again = await open(emulator, { sequence, settleMs: 0 });
    const [first] = await times(again);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await times(again)).toEqual([first]);
  },
);
