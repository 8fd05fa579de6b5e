import assert from 'node:assert/strict';
import type { Codec } from '../../src/types.js';
import { fill, messages, readAll, rejects, seqIds, succeeded } from '../assertions.js';
import { law } from '../law-group.js';

export const idempotence = law('Idempotence', 'one key, one entry', (test) => {
  test('the same key and body give the first SeqId again', ['keys'], async (fixture) => {
    const first = await fixture.timeline().append('m', { key: 'k' });
    await fill(fixture.timeline(), 3);
    const again = await fixture.timeline().append('m', { key: 'k' });
    assert.deepEqual([first.duplicate, again.duplicate], [false, true]);
    assert.deepEqual([again.seqId, again.cursor], [first.seqId, first.cursor]);
    assert.equal((await readAll(fixture.timeline())).length, 4);
    assert.equal((await fixture.timeline().get(first.seqId))?.key, 'k');
  });

  test('the same key with another body is refused, and names the first SeqId', ['keys'], async (fixture) => {
    const { seqId } = await fixture.timeline().append('m', { key: 'k' });
    const error = await rejects(fixture.timeline().append('other', { key: 'k' }), 'TIMELINE_KEY_CONFLICT');
    assert.deepEqual([error.actual, error.outcome], [seqId, 'not-applied']);
    assert.deepEqual(messages(await readAll(fixture.timeline())), ['m']);
  });

  test('of concurrent appends with one key one is stored and all get its SeqId', ['keys'], async (fixture) => {
    const others = await Promise.all([fixture.open(), fixture.open()]);
    const handles = [fixture.store, ...others].map((store) => store.timeline('timeline'));
    const results = await Promise.all(
      Array.from({ length: 30 }, (_, index) => handles[index % 3]!.append('m', { key: 'k' })),
    );
    assert.equal(new Set(seqIds(results)).size, 1);
    assert.equal(results.filter((result) => !result.duplicate).length, 1);
    assert.equal((await readAll(fixture.timeline())).length, 1);
  });

  test(
    'concurrent appends on another adapter with the same keys store each once',
    ['keys', 'reopen'],
    async (fixture) => {
      const handles = [fixture.timeline(), (await fixture.reopen()).timeline('timeline')];
      const rounds = await Promise.all(
        handles.map((timeline) =>
          Promise.all(Array.from({ length: 50 }, (_, index) => timeline.append(`m${index}`, { key: `k${index}` }))),
        ),
      );
      assert.deepEqual(seqIds(rounds[0]!), seqIds(rounds[1]!));
      assert.equal((await readAll(fixture.timeline())).length, 50);
      assert.equal(rounds.flat().filter((result) => result.duplicate).length, 50);
    },
  );

  test('without a key equal bodies are two entries', async (fixture) => {
    await fixture.timeline().append('m');
    await fixture.timeline().append('m');
    assert.equal((await readAll(fixture.timeline())).length, 2);
  });

  test('keys belong to one Timeline', ['keys'], async (fixture) => {
    await fixture.timeline('a').append('m', { key: 'k' });
    const other = await fixture.timeline('b').append('other', { key: 'k' });
    assert.equal(other.duplicate, false);
  });

  test('keys that look alike are different keys', ['keys'], async (fixture) => {
    const keys = [
      'k',
      'K',
      'k ',
      ' k',
      'k\0',
      'k/',
      'k:',
      "k'",
      'é',
      'e\u0301',
      '1',
      '01',
      '💬',
      'x'.repeat(1024),
      'x'.repeat(1023),
    ];
    for (const key of keys)
      assert.equal((await fixture.timeline().append('m', { key })).duplicate, false, JSON.stringify(key));
    for (const key of keys)
      assert.equal((await fixture.timeline().append('m', { key })).duplicate, true, JSON.stringify(key));
    assert.deepEqual(
      (await readAll(fixture.timeline())).map((entry) => entry.key),
      keys,
    );
  });

  test(
    'appendMany repeated is all duplicates; repeated in part it adds the rest',
    ['keys', 'atomicBatch'],
    async (fixture) => {
      const timeline = fixture.timeline();
      const first = await timeline.appendMany(['a', 'b'], { keys: ['ka', 'kb'] });
      const again = await timeline.appendMany(['a', 'b'], { keys: ['ka', 'kb'] });
      assert.deepEqual(seqIds(again), seqIds(first));
      assert.deepEqual(
        again.map((result) => result.duplicate),
        [true, true],
      );
      if (fixture.capabilities.atomicBatch < 3) return;
      const more = await timeline.appendMany(['b', 'c', 'd'], { keys: ['kb', 'kc', 'kd'] });
      assert.deepEqual(
        more.map((result) => result.duplicate),
        [true, false, false],
      );
      assert.deepEqual(messages(await readAll(timeline)), ['a', 'b', 'c', 'd']);
    },
  );

  test('a key twice in one appendMany is one entry', ['keys', 'atomicBatch'], async (fixture) => {
    const results = await fixture.timeline().appendMany(['a', 'a'], { keys: ['k', 'k'] });
    assert.deepEqual(
      results.map((result) => result.duplicate),
      [false, true],
    );
    assert.equal(new Set(seqIds(results)).size, 1);
    assert.equal((await readAll(fixture.timeline())).length, 1);
  });

  test('a key twice in one appendBatch is one entry', ['keys'], async (fixture) => {
    const item = { timeline: 'timeline', message: 'm', key: 'k' };
    const outcomes = await fixture.store.appendBatch([item, { ...item, message: 'other' }, item]);
    const [first, conflict, again] = outcomes;
    assert.deepEqual([succeeded(first).duplicate, succeeded(again).duplicate], [false, true]);
    assert.equal(succeeded(again).seqId, succeeded(first).seqId);
    assert.equal(conflict?.ok === false && conflict.error.code, 'TIMELINE_KEY_CONFLICT');
  });

  test('a fan-out repeated with its key adds only what is missing', ['keys'], async (fixture) => {
    const first = await fixture.store.appendToMany(['a', 'b'], 'm', { key: 'k' });
    const again = await fixture.store.appendToMany(['a', 'b', 'c'], 'm', { key: 'k' });
    assert.deepEqual(seqIds(again.slice(0, 2).map(succeeded)), seqIds(first.map(succeeded)));
    assert.deepEqual(
      again.map((outcome) => succeeded(outcome).duplicate),
      [true, true, false],
    );
    for (const id of ['a', 'b', 'c']) assert.deepEqual(messages(await readAll(fixture.timeline(id))), ['m']);
  });

  test('a known key answers before expectedLast is looked at', ['keys', 'expectedLast'], async (fixture) => {
    const options = { key: 'k', expectedLast: 0n };
    const first = await fixture.timeline().append('m', options);
    const again = await fixture.timeline().append('m', options);
    assert.deepEqual([again.seqId, again.duplicate], [first.seqId, true]);
  });

  test('a known key answers before a manual id is looked at', ['keys', 'manualIds'], async (fixture) => {
    const first = await fixture.timeline().append('m', { key: 'k', seqId: 10n });
    for (const seqId of [10n, 20n]) {
      const again = await fixture.timeline().append('m', { key: 'k', seqId });
      assert.deepEqual([again.seqId, again.duplicate], [first.seqId, true]);
    }
    assert.equal((await readAll(fixture.timeline())).length, 1);
  });

  test('a key keeps the body it was appended with when the entry is updated', ['keys', 'update'], async (fixture) => {
    const { seqId } = await fixture.timeline().append('m', { key: 'k' });
    const updated = await fixture.timeline().update(seqId, 'edited');
    assert.equal(updated.key, 'k');
    assert.equal((await fixture.timeline().append('m', { key: 'k' })).duplicate, true);
    await rejects(fixture.timeline().append('edited', { key: 'k' }), 'TIMELINE_KEY_CONFLICT');
    assert.equal((await fixture.timeline().get(seqId))?.message, 'edited');
  });

  test('a key outlives the deletion of its entry', ['keys', 'delete'], async (fixture) => {
    const { seqId } = await fixture.timeline().append('m', { key: 'k' });
    await fixture.timeline().delete(seqId);
    const again = await fixture.timeline().append('m', { key: 'k' });
    assert.deepEqual([again.seqId, again.duplicate], [seqId, true]);
    assert.equal((await fixture.timeline().get(seqId))?.deleted, true);
  });

  test('a key outlives the trim of its entry', ['keys', 'trim'], async (fixture) => {
    const { seqId } = await fixture.timeline().append('m', { key: 'k' });
    await fixture.timeline().trim({ through: seqId });
    const again = await fixture.timeline().append('m', { key: 'k' });
    assert.deepEqual([again.seqId, again.duplicate], [seqId, true]);
    assert.deepEqual(await readAll(fixture.timeline()), []);
  });

  test('a key is remembered for the declared window and not longer', ['finiteKeyWindow'], async (fixture) => {
    const window = fixture.capabilities.keyWindowMs!;
    const first = await fixture.timeline().append('m', { key: 'k' });
    fixture.time += window - 1;
    assert.equal((await fixture.timeline().append('m', { key: 'k' })).duplicate, true);
    fixture.time += 2;
    const next = await fixture.timeline().append('m', { key: 'k' });
    assert.equal(next.duplicate, false);
    assert.ok(next.seqId > first.seqId);
    assert.equal((await fixture.timeline().append('m', { key: 'k' })).seqId, next.seqId);
  });

  test('keys are remembered across a restart', ['keys', 'reopen'], async (fixture) => {
    const { seqId } = await fixture.timeline().append('m', { key: 'k' });
    await fixture.restart();
    const again = await fixture.timeline().append('m', { key: 'k' });
    assert.deepEqual([again.seqId, again.duplicate], [seqId, true]);
    await rejects(fixture.timeline().append('other', { key: 'k' }), 'TIMELINE_KEY_CONFLICT');
  });

  test('a codec that never encodes alike keeps keys, across stores too', ['keys'], async (fixture) => {
    let nonce = 0;
    const codec = (): Codec<{ text: string }> => ({
      encode: ({ text }) => `${++nonce} ${text}`,
      decode: (body) => ({ text: String(body).replace(/^\d+ /, '') }),
    });
    const one = await fixture.open({ codec: codec() });
    const { seqId } = await one.timeline('timeline').append({ text: 'm' }, { key: 'k' });
    const other = await fixture.reopenOrOpen({ codec: codec() });
    for (const store of [one, other]) {
      const again = await store.timeline('timeline').append({ text: 'm' }, { key: 'k' });
      assert.deepEqual([again.seqId, again.duplicate], [seqId, true]);
      await rejects(store.timeline('timeline').append({ text: 'n' }, { key: 'k' }), 'TIMELINE_KEY_CONFLICT');
    }
    assert.deepEqual(messages(await readAll(other.timeline('timeline'))), [{ text: 'm' }]);
  });
});
