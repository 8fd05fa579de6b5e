import assert from 'node:assert/strict';
import type { Write } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import type { TimelineStore } from '../../src/types.js';
import { messages, readAll, rejects, succeeded } from '../assertions.js';
import { busyStore, type Fault, type FaultPlan, faultyAdapter, unknownOutcome } from '../faulty-adapter.js';
import type { Fixture } from '../fixture.js';
import { law } from '../law-group.js';

const lostAnswer: Fault = { kind: 'reject-after', error: unknownOutcome() };
const lostRequest: Fault = { kind: 'reject-before', error: unknownOutcome() };
const busy: Fault = { kind: 'reject-before', error: busyStore() };

/** Opens a store whose adapter fails by plan; counts append calls. */
async function openFaulty(
  fixture: Fixture,
  fault: FaultPlan['append'],
): Promise<{ store: TimelineStore<string>; calls: () => number }> {
  let calls = 0;
  const append = (call: number, writes: readonly Write[]) => {
    calls = call;
    return fault(call, writes);
  };
  const adapter = faultyAdapter(fixture.adapter, { append });
  const store = await fixture.open({ adapter, retry: { attempts: 4, minDelayMs: 1, maxDelayMs: 4 } });
  return { store, calls: () => calls };
}

const once = (fault: Fault) => (call: number) => (call === 1 ? fault : undefined);

export const outcome = law(
  'Outcome',
  'an unknown outcome is resolved with a key and never retried without one',
  (test) => {
    for (const [name, fault] of [
      ['was executed', lostAnswer],
      ['never arrived', lostRequest],
    ] as const) {
      test(
        `with a key, an append whose answer was lost and that ${name} heals to one entry`,
        ['keys'],
        async (fixture) => {
          const { store, calls } = await openFaulty(fixture, once(fault));
          const { seqId } = await store.timeline('timeline').append('m', { key: 'k' });
          assert.equal(calls(), 2);
          const entries = await readAll(fixture.timeline());
          assert.deepEqual(
            entries.map((entry) => [entry.seqId, entry.message]),
            [[seqId, 'm']],
          );
        },
      );

      test(`without a key, an append whose answer was lost and that ${name} is not tried again`, async (fixture) => {
        const { store, calls } = await openFaulty(fixture, once(fault));
        const error = await rejects(store.timeline('timeline').append('m'), 'TIMELINE_OUTCOME_UNKNOWN');
        assert.equal(error.outcome, 'unknown');
        assert.equal(calls(), 1);
        assert.equal((await readAll(fixture.timeline())).length, name === 'was executed' ? 1 : 0);
        await store.timeline('timeline').append('next');
        assert.deepEqual(messages(await readAll(fixture.timeline())).at(-1), 'next');
      });
    }

    test('an answer that is lost every time ends as unknown, with one entry stored', ['keys'], async (fixture) => {
      const { store, calls } = await openFaulty(fixture, () => lostAnswer);
      const error = await rejects(store.timeline('timeline').append('m', { key: 'k' }), 'TIMELINE_OUTCOME_UNKNOWN');
      assert.equal(error.outcome, 'unknown');
      assert.equal(calls(), 4);
      assert.deepEqual(messages(await readAll(fixture.timeline())), ['m']);
    });

    test('a passing refusal is tried again, key or not', async (fixture) => {
      const { store, calls } = await openFaulty(fixture, (call) => (call <= 2 ? busy : undefined));
      await store.timeline('timeline').append('m');
      assert.equal(calls(), 3);
      assert.deepEqual(messages(await readAll(fixture.timeline())), ['m']);
    });

    test('a permanent refusal is reported unchanged, with nothing stored', async (fixture) => {
      const { store, calls } = await openFaulty(fixture, () => busy);
      const error = await rejects(store.timeline('timeline').append('m'), 'TIMELINE_BUSY');
      assert.deepEqual([error.outcome, error.retryable], ['not-applied', true]);
      assert.equal(calls(), 4);
      assert.deepEqual(await readAll(fixture.timeline()), []);
    });

    test('a refusal that is final is not tried again', async (fixture) => {
      const error = new TimelineError('TIMELINE_UNAVAILABLE', 'injected fault: refused');
      const { store, calls } = await openFaulty(fixture, once({ kind: 'reject-before', error }));
      await rejects(store.timeline('timeline').append('m'), 'TIMELINE_UNAVAILABLE');
      assert.equal(calls(), 1);
    });

    test('appends that shared a call with unknown outcome end each by its own key', ['keys'], async (fixture) => {
      const { store } = await openFaulty(fixture, once(lostAnswer));
      const outcomes = await store.appendBatch([
        { timeline: 'a', message: 'keyed', key: 'k1' },
        { timeline: 'b', message: 'keyless' },
        { timeline: 'c', message: 'keyed', key: 'k2' },
      ]);
      succeeded(outcomes[0]);
      succeeded(outcomes[2]);
      assert.equal(outcomes[1]?.ok === false && outcomes[1].error.outcome, 'unknown');
      for (const id of ['a', 'b', 'c']) assert.equal((await readAll(fixture.timeline(id))).length, 1, id);
    });

    test('appendMany with keys is resolved as a whole', ['keys', 'atomicBatch'], async (fixture) => {
      const { store } = await openFaulty(fixture, once(lostAnswer));
      await store.timeline('timeline').appendMany(['a', 'b'], { keys: ['ka', 'kb'] });
      assert.deepEqual(messages(await readAll(fixture.timeline())), ['a', 'b']);
    });

    test('appendMany without keys is not tried again', ['atomicBatch'], async (fixture) => {
      const { store, calls } = await openFaulty(fixture, once(lostAnswer));
      await rejects(store.timeline('timeline').appendMany(['a', 'b']), 'TIMELINE_OUTCOME_UNKNOWN');
      assert.equal(calls(), 1);
      assert.deepEqual(messages(await readAll(fixture.timeline())), ['a', 'b']);
    });

    test('a fan-out with a key is resolved in every Timeline', ['keys'], async (fixture) => {
      const { store } = await openFaulty(fixture, once(lostAnswer));
      const ids = Array.from({ length: 20 }, (_, index) => `t${index}`);
      (await store.appendToMany(ids, 'm', { key: 'k' })).forEach(succeeded);
      for (const id of ids) assert.deepEqual(messages(await readAll(fixture.timeline(id))), ['m']);
    });

    test('call order survives a retry', async (fixture) => {
      const { store } = await openFaulty(fixture, once(busy));
      const wanted = Array.from({ length: 40 }, (_, index) => `m${index}`);
      await Promise.all(wanted.map((message) => store.timeline('timeline').append(message)));
      assert.deepEqual(messages(await readAll(fixture.timeline())), wanted);
    });

    test('of writes that fail on their own only those that may are tried again', async (fixture) => {
      const errors = (writes: readonly Write[]) =>
        writes.map(({ timeline }) => (timeline === 'busy' ? busyStore() : undefined));
      const { store, calls } = await openFaulty(fixture, once({ kind: 'fail-writes', errors }));
      const items = ['a', 'busy', 'b', 'busy'].map((timeline, index) => ({ timeline, message: `m${index}` }));
      (await store.appendBatch(items)).forEach(succeeded);
      assert.equal(calls(), 2);
      assert.deepEqual(messages(await readAll(fixture.timeline('busy'))), ['m1', 'm3']);
      for (const id of ['a', 'b']) assert.equal((await readAll(fixture.timeline(id))).length, 1, id);
    });
  },
);
