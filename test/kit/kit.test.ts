import { describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import type { Capabilities, TimelineAdapter } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import { openTimelineStore } from '../../src/index.js';
import { busyStore, decorateAdapter, faultyAdapter, unknownOutcome } from '../../testing/index.js';
import { Random } from '../../testing/random.js';
import { shrink } from '../../testing/shrink.js';
import { anyCall, openingOptions } from '../support/direct-library.js';
import { collect, firstFailure } from './collect.js';
import { keepMutants } from './mutants/keep.js';

const NOTHING: Partial<Capabilities> = {
  dense: false,
  visibility: 'settled',
  atomicBatch: 1,
  keyWindowMs: 0,
  expectedLast: false,
  manualIds: false,
  update: false,
  delete: false,
  trim: false,
  drop: false,
  timelines: false,
  checkpoints: false,
  signals: 'none',
  minTtlMs: null,
};

const declaring = (claims: Partial<Capabilities>): TimelineAdapter =>
  decorateAdapter(memoryAdapter(), (library) => ({ capabilities: { ...library.capabilities, ...claims } }));

describe('what an adapter declares absent', () => {
  it('is checked to be refused, and the kit passes', async () => {
    const tests = collect({ create: () => declaring(NOTHING), reopen: ({ name, open }) => ({ name, open }) });
    expect(await firstFailure(tests)).toBeUndefined();
  });

  it('is noted once for each group, and counted by the last test', async () => {
    const lines: string[] = [];
    const tests = collect({
      create: () => declaring({ trim: false }),
      laws: ['Truncation'],
      log: (line) => lines.push(line),
    });
    expect(await firstFailure(tests)).toBeUndefined();
    const notes = lines.filter((line) => line.includes('declares no `trim`'));
    expect(notes).toHaveLength(2);
    expect(notes[0]).toMatch(/^collected: skipped in Truncation/);
    expect(notes[1]).toMatch(/^collected: \d+ tests skipped in Truncation/);
  });

  it('fails its tests when the refusal is missing', async () => {
    const lying = () =>
      decorateAdapter(memoryAdapter(), (library) => ({
        capabilities: { ...library.capabilities, keyWindowMs: null },
      }));
    const tests = collect({ create: lying, laws: ['Idempotence'] }).filter((test) =>
      test.name.includes('declared window'),
    );
    expect(tests).toHaveLength(1);
    expect(await firstFailure(tests)).toBeDefined();
  });

  it('may be every write', async () => {
    const readOnly = () =>
      decorateAdapter(memoryAdapter(), (library) => ({ capabilities: { ...library.capabilities, readOnly: true } }));
    expect(await firstFailure(collect({ create: readOnly, laws: ['Order', 'Update', 'Closing'] }))).toBeUndefined();
  });
});

describe('what the kit is not told', () => {
  it('leaves out the tests that need it and reports them', async () => {
    const lines: string[] = [];
    const create = () => memoryAdapter();
    const tests = collect({ create, laws: ['Restart', 'Processes', 'Expiry'], log: (line) => lines.push(line) });
    expect(tests.filter((test) => /^(Restart|Processes)/.test(test.group))).toEqual([]);
    await tests.at(-1)?.run();
    for (const option of ['reopen', 'fork', 'physicalEntries']) {
      expect(lines.some((line) => line.includes(`the option \`${option}\` is not given`))).toBe(true);
    }
  });

  it('is an error if nothing is left', async () => {
    const tests = collect({ create: () => memoryAdapter(), laws: ['Processes'] });
    expect(tests).toHaveLength(1);
    expect(await firstFailure(tests)).toMatchObject({ message: expect.stringContaining('no test was defined') });
  });
});

describe('the model', () => {
  const mutant = keepMutants.find((each) => each.law === 'Model')!;

  it('reports the seed and a short list of commands, and fails in the same way again', async () => {
    const first = await firstFailure(collect({ create: mutant.create, laws: ['Model'], seed: 7 }));
    const seed = Number(/seed (\d+)/.exec(first?.message ?? '')?.[1]);
    const commands = first?.message.split('\n').slice(1) ?? [];
    expect(commands.length).toBeGreaterThan(0);
    expect(commands.length).toBeLessThanOrEqual(4);
    const again = await firstFailure(collect({ create: mutant.create, laws: ['Model'], seed, runs: 1 }));
    expect(again).toEqual(first);
  });

  it('draws the same numbers from the same seed, evenly', () => {
    const one = new Random(5);
    const other = new Random(5);
    const numbers = one.list(2000, () => one.below(4));
    expect(other.list(2000, () => other.below(4))).toEqual(numbers);
    for (const value of [0, 1, 2, 3]) expect(numbers.filter((number) => number === value).length).toBeGreaterThan(400);
  });

  it('shrinks to what is needed', async () => {
    const list = Array.from({ length: 40 }, (_, index) => index);
    const needed = await shrink(list, async (candidate) => candidate.includes(7) && candidate.includes(31));
    expect(needed).toEqual([7, 31]);
    expect(await shrink(list, async (candidate) => candidate.length >= 40)).toEqual(list);
  });
});

describe('faultyAdapter', () => {
  const open = (plan: Parameters<typeof faultyAdapter>[1], inner = memoryAdapter()) =>
    openTimelineStore<string>({ adapter: faultyAdapter(inner, plan), name: 'faulty', retry: { attempts: 1 } });

  it('executes before it loses the answer, or never lets the request through', async () => {
    for (const [kind, stored] of [
      ['reject-after', 1],
      ['reject-before', 0],
    ] as const) {
      const store = await open({ append: () => ({ kind, error: unknownOutcome() }) });
      await expect(store.timeline('t').append('m')).rejects.toMatchObject({
        code: 'TIMELINE_OUTCOME_UNKNOWN',
        outcome: 'unknown',
      });
      expect((await store.timeline('t').read()).entries).toHaveLength(stored);
      await store.close();
    }
  });

  it('fails single writes and lets the others through in order', async () => {
    const store = await open({
      append: (_, writes) => ({
        kind: 'fail-writes',
        errors: () => writes.map(({ timeline }) => (timeline === 'bad' ? busyStore() : undefined)),
      }),
    });
    const outcomes = await store.appendBatch(['a', 'bad', 'b'].map((timeline) => ({ timeline, message: timeline })));
    expect(outcomes.map((outcome) => (outcome.ok ? outcome.seqId : outcome.error.code))).toEqual([
      1n,
      'TIMELINE_BUSY',
      1n,
    ]);
    await store.close();
  });

  it('counts the calls of each library and lets pass what is not planned', async () => {
    const calls: number[] = [];
    const store = await open({
      append(call) {
        calls.push(call);
        return call === 2
          ? { kind: 'reject-before', error: new TimelineError('TIMELINE_UNAVAILABLE', 'planned') }
          : undefined;
      },
    });
    await store.timeline('t').append('a');
    await expect(store.timeline('t').append('b')).rejects.toMatchObject({ code: 'TIMELINE_UNAVAILABLE' });
    await store.timeline('t').append('c');
    expect(calls).toEqual([1, 2, 3]);
    await store.close();
  });
});

describe('decorateAdapter', () => {
  it('replaces and takes away members, and leaves the others bound', async () => {
    const adapter = decorateAdapter(memoryAdapter(), (library) => ({
      watch: undefined,
      heads: (_, call) => library.heads(['other'], call),
    }));
    const library = await adapter.open(openingOptions('l'));
    expect([library.watch, 'watch' in library, 'trim' in library]).toEqual([undefined, false, true]);
    const { read } = library;
    expect(await read([{ timeline: 't', limit: 1, reverse: false }], anyCall())).toHaveLength(1);
    await library.close(anyCall());
  });
});
