import { describe, expect, it, onTestFinished } from 'vitest';
import type { TimelineError } from '../../src/errors.js';
import { nightly } from '../support/nightly.js';
import { addressOf, newClient, startProxy } from '../support/tablestore-store.js';
import { bodies, counted, emulate, open } from './support.js';

/** `manual` waits and tries again by the same lines as `auto`. */
const SEQUENCES = nightly ? (['cas', 'auto', 'manual'] as const) : (['cas', 'auto'] as const);
const ROWS = ['GetRow', 'GetRange', 'BatchGetRow', 'BatchWriteRow'];

describe.each(SEQUENCES)('with %s', (sequence) => {
  it.each(['OTSPartitionUnavailable', 'OTSServerBusy', 'OTSNotEnoughCapacityUnit'])(
    'a second of %s is not noticed by callers and costs few requests',
    async (code) => {
      const costs = [
        ['append', undefined],
        ['append', 'k'],
        ['read', undefined],
        ['head', undefined],
      ] as const;
      const measured = costs.map(async ([what, key]) => {
        const emulator = await emulate();
        const { client, counts, reset } = counted(emulator);
        const store = await open(emulator, { sequence, settleMs: 0 }, { client });
        const timeline = store.timeline('timeline');
        await timeline.append('before');
        await timeline.head();
        reset();
        const end = emulator.inject({ operations: ROWS, when: 'before', effect: 'error', code });
        setTimeout(end, 1000);
        if (what === 'append') await timeline.append('m', key === undefined ? {} : { key: `${key}${code}` });
        else await timeline[what]();
        const requests = Object.values(counts).reduce((sum, count) => sum + count, 0);
        expect(requests, what).toBeLessThanOrEqual(key !== undefined && sequence === 'manual' ? 9 : 8);
        await store.close();
      });
      await Promise.all(measured);
    },
  );

  it('throttling at random surfaces no errors', async () => {
    const emulator = await emulate({ seed: 3 });
    const store = await open(emulator, { sequence, settleMs: 0 });
    const timelines = Array.from({ length: 10 }, (_, i) => `t${i}`);
    const throttle = { operations: ROWS, when: 'before', effect: 'error', probability: 0.15 } as const;
    const ends = ['OTSServerBusy', 'OTSNotEnoughCapacityUnit'].map((code) => emulator.inject({ ...throttle, code }));
    for (let i = 0; i < 3; i++) {
      await Promise.all(timelines.map((timeline) => store.timeline(timeline).append(`m${i}`, { key: `k${i}` })));
    }
    await Promise.all(timelines.map((timeline) => store.timeline(timeline).read()));
    for (const end of ends) end();
    expect(await bodies(store, 't7')).toEqual(Array.from({ length: 3 }, (_, i) => `m${i}`));
  });

  it('silent connections cost a part of the budget, and every call that is safe to repeat succeeds', async () => {
    const emulator = await emulate();
    const proxy = await startProxy(emulator);
    onTestFinished(() => proxy.stop());
    const client = newClient(addressOf(emulator, proxy));
    const timeoutMs = 4500;
    const store = await open(emulator, { sequence, settleMs: 10, timeoutMs }, { client });
    // Opens many connections; all of them go silent.
    await Promise.all(Array.from({ length: 30 }, (_, i) => store.timeline(`t${i}`).append('m')));
    await Promise.all(Array.from({ length: 30 }, (_, i) => store.timeline(`t${i}`).read()));
    proxy.stall();
    const begun = performance.now();
    const timeline = store.timeline('t1');
    await Promise.all([
      timeline.read(),
      timeline.head(),
      timeline.append('n', { key: 'k' }),
      store.heads(['t2', 't3']),
    ]);
    expect(performance.now() - begun).toBeLessThan(timeoutMs);
    expect(await bodies(store, 't1')).toEqual(['m', 'n']);
  });
});

it('reports a refusal that no retry can fix at once', async () => {
  const emulator = await emulate();
  const store = await open(emulator);
  const wrong = { code: 'OTSAuthFailed', when: 'before', effect: 'error' } as const;
  emulator.inject(wrong);
  const begun = performance.now();
  const error = await store
    .timeline('t')
    .read()
    .catch((cause: TimelineError) => cause);
  expect(error).toMatchObject({ code: 'TIMELINE_UNAVAILABLE', retryable: false });
  expect((error as TimelineError).message).toMatch(/OTSAuthFailed/);
  expect(performance.now() - begun).toBeLessThan(2000);
});
