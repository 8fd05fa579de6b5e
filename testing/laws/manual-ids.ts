import assert from 'node:assert/strict';
import { messages, readAll, rejects, seqIds } from '../assertions.js';
import { law } from '../law-group.js';

const SNOWFLAKE = 1_541_815_603_606_036_480n;
const LARGEST = 2n ** 63n - 1n;

export const manualIds = law('Manual ids', 'an id chosen by the caller must exceed the last one', (test) => {
  test('chosen ids are kept, with their gaps, beyond 2^53 and up to the largest', ['manualIds'], async (fixture) => {
    const ids = [3n, 10n, 2n ** 53n + 1n, SNOWFLAKE, SNOWFLAKE + 1n, LARGEST];
    for (const seqId of ids) assert.equal((await fixture.timeline().append(`m${seqId}`, { seqId })).seqId, seqId);
    const entries = await readAll(fixture.timeline());
    assert.deepEqual(seqIds(entries), ids);
    assert.deepEqual(
      messages(entries),
      ids.map((id) => `m${id}`),
    );
    assert.equal((await fixture.timeline().get(SNOWFLAKE))?.message, `m${SNOWFLAKE}`);
    assert.equal((await fixture.timeline().head()).lastSeqId, LARGEST);
  });

  test('an id at or below the last is refused and overwrites nothing', ['manualIds'], async (fixture) => {
    const timeline = fixture.timeline();
    for (const seqId of [10n, 20n, 30n]) await timeline.append(`m${seqId}`, { seqId });
    for (const seqId of [1n, 10n, 15n, 29n, 30n]) {
      const error = await rejects(timeline.append('refused', { seqId }), 'TIMELINE_CONFLICT');
      assert.deepEqual([error.actual, error.outcome], [30n, 'not-applied'], `seqId ${seqId}`);
    }
    assert.deepEqual(messages(await readAll(timeline)), ['m10', 'm20', 'm30']);
  });

  test('the next id that the adapter takes lies above a chosen one', ['manualIds'], async (fixture) => {
    await fixture.timeline().append('chosen', { seqId: 1000n });
    const { seqId } = await fixture.timeline().append('taken');
    assert.ok(seqId > 1000n, `took ${seqId}`);
    if (fixture.capabilities.dense) assert.equal(seqId, 1001n);
    await fixture.timeline().append('chosen', { seqId: seqId + 5n });
    assert.deepEqual(messages(await readAll(fixture.timeline())), ['chosen', 'taken', 'chosen']);
  });

  test('a full Timeline refuses appends and keeps its entries', ['manualIds'], async (fixture) => {
    await fixture.timeline().append('last', { seqId: LARGEST });
    await rejects(
      fixture.timeline().append('beyond'),
      'TIMELINE_CONFLICT',
      'TIMELINE_UNAVAILABLE',
      'TIMELINE_TOO_LARGE',
    );
    assert.deepEqual(messages(await readAll(fixture.timeline())), ['last']);
  });

  test('of racers for one id exactly one wins', ['manualIds'], async (fixture) => {
    const others = await Promise.all([fixture.open(), fixture.open()]);
    const handles = [fixture.store, ...others].map((store) => store.timeline('timeline'));
    const attempts = await Promise.allSettled(
      Array.from({ length: 12 }, (_, index) => handles[index % 3]!.append(`racer ${index}`, { seqId: 77n })),
    );
    assert.equal(attempts.filter((attempt) => attempt.status === 'fulfilled').length, 1);
    const winner = attempts.findIndex((attempt) => attempt.status === 'fulfilled');
    assert.deepEqual(messages(await readAll(fixture.timeline())), [`racer ${winner}`]);
  });

  test('an id that was trimmed or deleted stays taken', ['manualIds', 'trim', 'delete'], async (fixture) => {
    const timeline = fixture.timeline();
    for (const seqId of [10n, 20n]) await timeline.append('m', { seqId });
    await timeline.delete(20n);
    await rejects(timeline.append('refused', { seqId: 20n }), 'TIMELINE_CONFLICT');
    await timeline.trim({ through: 20n });
    for (const seqId of [10n, 15n, 20n]) await rejects(timeline.append('refused', { seqId }), 'TIMELINE_CONFLICT');
    await timeline.append('m', { seqId: 21n });
    assert.deepEqual(seqIds(await readAll(timeline)), [21n]);
  });

  test('a chosen id and an expectation hold together', ['manualIds', 'expectedLast'], async (fixture) => {
    const timeline = fixture.timeline();
    await timeline.append('m', { seqId: 10n, expectedLast: 0n });
    await rejects(timeline.append('refused', { seqId: 20n, expectedLast: 9n }), 'TIMELINE_CONFLICT');
    await timeline.append('n', { seqId: 20n, expectedLast: 10n });
    assert.deepEqual(seqIds(await readAll(timeline)), [10n, 20n]);
  });

  test('chosen ids of one Timeline bind no other', ['manualIds'], async (fixture) => {
    await fixture.timeline('a').append('m', { seqId: 500n });
    await fixture.timeline('b').append('m', { seqId: 5n });
    assert.deepEqual(seqIds(await readAll(fixture.timeline('b'))), [5n]);
  });
});
