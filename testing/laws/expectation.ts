import assert from 'node:assert/strict';
import type { AppendResult, Timeline, TimelineStore } from '../../src/types.js';
import { fill, messages, readAll, rejects, seqIds } from '../assertions.js';
import { law } from '../law-group.js';

/** Appends concurrently with the same `expectedLast`: exactly one may succeed. */
async function appendConcurrently(handles: readonly Timeline<string>[], expectedLast: bigint): Promise<AppendResult> {
  const attempts = await Promise.allSettled(
    handles.map((timeline, index) => timeline.append(`racer ${index}`, { expectedLast })),
  );
  const winners = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
  assert.equal(winners.length, 1, `${winners.length} racers won`);
  for (const attempt of attempts) {
    if (attempt.status === 'rejected') await rejects(Promise.reject(attempt.reason), 'TIMELINE_CONFLICT');
  }
  return winners[0]!;
}

/** Five rounds of racers, one on each store. */
async function raceOn(stores: readonly TimelineStore<string>[]): Promise<void> {
  const handles = stores.map((store) => store.timeline('timeline'));
  let last = 0n;
  for (let round = 0; round < 5; round += 1) last = (await appendConcurrently(handles, last)).seqId;
  assert.equal((await readAll(handles[0]!)).length, 5);
}

export const expectation = law('Expectation', 'expectedLast appends only where it holds', (test) => {
  test('a chain of appends, each expecting the one before, goes through', ['expectedLast'], async (fixture) => {
    let last = 0n;
    for (const message of ['a', 'b', 'c', 'd'])
      last = (await fixture.timeline().append(message, { expectedLast: last })).seqId;
    assert.deepEqual(messages(await readAll(fixture.timeline())), ['a', 'b', 'c', 'd']);
  });

  test(
    'an outdated or wrong expectation is refused with both numbers, and writes nothing',
    ['expectedLast'],
    async (fixture) => {
      const timeline = fixture.timeline();
      const last = (await fill(timeline, 3)).at(-1)!.seqId;
      for (const expectedLast of [0n, last - 1n, last + 1n]) {
        const error = await rejects(timeline.append('refused', { expectedLast }), 'TIMELINE_CONFLICT');
        assert.deepEqual([error.expected, error.actual, error.outcome], [expectedLast, last, 'not-applied']);
      }
      assert.deepEqual(messages(await readAll(timeline)), ['m1', 'm2', 'm3']);
      assert.equal((await timeline.head()).lastSeqId, last);
    },
  );

  test('0n means a Timeline never written to, not an empty one', ['expectedLast', 'trim'], async (fixture) => {
    const timeline = fixture.timeline();
    const { seqId } = await timeline.append('m', { expectedLast: 0n });
    await timeline.trim({ through: seqId });
    await rejects(timeline.append('refused', { expectedLast: 0n }), 'TIMELINE_CONFLICT');
    await timeline.append('n', { expectedLast: seqId });
  });

  test('the newest id counts after its entry was deleted', ['expectedLast', 'delete'], async (fixture) => {
    const timeline = fixture.timeline();
    const ids = seqIds(await fill(timeline, 2));
    await timeline.delete(ids[1]!);
    await rejects(timeline.append('refused', { expectedLast: ids[0]! }), 'TIMELINE_CONFLICT');
    await timeline.append('n', { expectedLast: ids[1]! });
  });

  test('of racers on one handle exactly one wins', ['expectedLast'], async (fixture) => {
    let last = 0n;
    for (let round = 0; round < 5; round += 1)
      last = (
        await appendConcurrently(
          Array.from({ length: 10 }, () => fixture.timeline()),
          last,
        )
      ).seqId;
    assert.equal((await readAll(fixture.timeline())).length, 5);
  });

  test('of racers on several stores exactly one wins', ['expectedLast'], async (fixture) => {
    await raceOn(await Promise.all([fixture.open(), fixture.open(), fixture.open()]));
  });

  test('of racers on several adapters exactly one wins', ['expectedLast', 'reopen'], async (fixture) => {
    await raceOn([fixture.store, await fixture.reopen(), await fixture.reopen()]);
  });

  test('it holds for appendMany as a whole', ['expectedLast', 'atomicBatch'], async (fixture) => {
    const timeline = fixture.timeline();
    const first = await timeline.appendMany(['a', 'b'], { expectedLast: 0n });
    await rejects(timeline.appendMany(['x', 'y'], { expectedLast: first[0]!.seqId }), 'TIMELINE_CONFLICT');
    await timeline.appendMany(['c', 'd'], { expectedLast: first[1]!.seqId });
    assert.deepEqual(messages(await readAll(timeline)), ['a', 'b', 'c', 'd']);
  });

  test('a refused append does not hold up its neighbours', ['expectedLast'], async (fixture) => {
    const timeline = fixture.timeline();
    const [before, refused, after] = await Promise.allSettled([
      timeline.append('a'),
      timeline.append('refused', { expectedLast: 2n ** 40n }),
      timeline.append('b'),
    ]);
    assert.deepEqual([before?.status, refused?.status, after?.status], ['fulfilled', 'rejected', 'fulfilled']);
    assert.deepEqual(messages(await readAll(timeline)), ['a', 'b']);
  });
});
