import { describe, expect, it } from 'vitest';
import type { TablestoreEmulator } from '../../emulator/index.js';
import type { TimelineError } from '../../src/errors.js';
import { bodies, emulate, open } from './support.js';

const SEQUENCES = ['cas', 'auto', 'manual'] as const;
type Fault = Parameters<TablestoreEmulator['inject']>[0];

/** Faults after which a request was executed, but its answer is lost or wrong. */
const LOST_ANSWERS: Record<string, Fault> = {
  'no answer': { when: 'after', effect: 'silence' },
  'a broken connection': { when: 'after', effect: 'reset' },
  OTSTimeout: { when: 'after', effect: 'error', code: 'OTSTimeout' },
  OTSInternalServerError: { when: 'after', effect: 'error', code: 'OTSInternalServerError' },
  OTSServerUnavailable: { when: 'after', effect: 'error', code: 'OTSServerUnavailable' },
  'a row that timed out': { when: 'after', effect: 'rows' },
};
/** Faults after which a request was not executed, without the client knowing. */
const LOST_REQUESTS: Record<string, Fault> = {
  'no answer': { when: 'before', effect: 'silence' },
  'a broken connection': { when: 'before', effect: 'reset' },
  OTSTimeout: { when: 'before', effect: 'error', code: 'OTSTimeout' },
};
/** Faults after which the client knows that a request was not executed. */
const REFUSALS: Record<string, Fault> = {
  OTSServerBusy: { when: 'before', effect: 'error', code: 'OTSServerBusy' },
  OTSPartitionUnavailable: { when: 'before', effect: 'error', code: 'OTSPartitionUnavailable' },
  OTSRowOperationConflict: { when: 'before', effect: 'error', code: 'OTSRowOperationConflict' },
  OTSTableNotReady: { when: 'before', effect: 'error', code: 'OTSTableNotReady' },
  'a row that was busy': { when: 'before', effect: 'rows', code: 'OTSServerBusy' },
};

async function prepared(sequence: (typeof SEQUENCES)[number], fault: Fault) {
  const emulator = await emulate();
  // Only silence is waited for until the time is over.
  const timeoutMs = fault.effect === 'silence' ? 1500 : 10_000;
  const store = await open(emulator, { sequence, timeoutMs, settleMs: 20 });
  await store.timeline('timeline').append('before');
  emulator.inject({ operations: ['BatchWriteRow'], times: 1, ...fault });
  return store;
}

describe.each(SEQUENCES)('an append with %s', (sequence) => {
  for (const [name, fault] of Object.entries({ ...LOST_ANSWERS, ...REFUSALS })) {
    it(`is one entry, key or not, after ${name}, ${fault.when} it was executed`, async () => {
      const keyless = await prepared(sequence, fault);
      await keyless.timeline('timeline').append('m');
      expect(await bodies(keyless)).toEqual(['before', 'm']);
      const keyed = await prepared(sequence, fault);
      const first = await keyed.timeline('timeline').append('m', { key: 'k' });
      const again = await keyed.timeline('timeline').append('m', { key: 'k' });
      expect([again.seqId, again.duplicate]).toEqual([first.seqId, true]);
      expect(await bodies(keyed)).toEqual(['before', 'm']);
    });
  }

  for (const [name, fault] of Object.entries(LOST_REQUESTS)) {
    it(`with a key is stored once after ${name}, before it was executed`, async () => {
      const store = await prepared(sequence, fault);
      await store.timeline('timeline').append('m', { key: 'k' });
      expect(await bodies(store)).toEqual(['before', 'm']);
    });

    const outcomeWithoutKey = sequence === 'auto' ? 'is not tried again' : 'is stored once too';
    it(`without a key ${outcomeWithoutKey} after ${name}, before it was executed`, async () => {
      const store = await prepared(sequence, fault);
      const outcome = await store
        .timeline('timeline')
        .append('m')
        .catch((error: TimelineError) => error.outcome);
      if (sequence === 'auto') expect(outcome).toBe('unknown');
      expect(await bodies(store)).toEqual(sequence === 'auto' ? ['before'] : ['before', 'm']);
    });
  }
});

describe.each(SEQUENCES)('rows of a batch with %s', (sequence) => {
  it('may fail without the others, and each message is stored once', async () => {
    const emulator = await emulate({ seed: 7 });
    const store = await open(emulator, { sequence, settleMs: 5 });
    const ends = [
      emulator.inject({ operations: ['BatchWriteRow'], when: 'before', effect: 'rows', probability: 0.1 }),
      emulator.inject({ operations: ['BatchWriteRow'], when: 'after', effect: 'rows', probability: 0.1 }),
    ];
    const items = Array.from({ length: 150 }, (_, i) => ({ timeline: `t${i % 50}`, message: `m${i}` }));
    const outcomes = await store.appendBatch(items);
    for (const end of ends) end();
    expect(outcomes.flatMap((outcome) => (outcome.ok ? [] : [outcome.error.code]))).toEqual([]);
    const stored = await Promise.all(Array.from({ length: 50 }, (_, i) => bodies(store, `t${i}`)));
    expect(stored.flat().sort()).toEqual(items.map(({ message }) => message).sort());
  });
});

it.each(SEQUENCES)('an update and a deletion whose answers are lost are applied once with %s', async (sequence) => {
  const store = await prepared(sequence, { when: 'after', effect: 'reset' });
  const timeline = store.timeline('timeline');
  const entry = (await timeline.latest())!;
  expect((await timeline.update(entry.seqId, 'edited')).revision).toBe(1);
  expect(await timeline.get(entry.seqId)).toMatchObject({ message: 'edited', revision: 1 });
  await timeline.delete(entry.seqId);
  expect(await timeline.get(entry.seqId)).toMatchObject({ deleted: true, revision: 2 });
});
