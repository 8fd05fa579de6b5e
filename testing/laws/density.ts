import assert from 'node:assert/strict';
import { fill, readAll, rejects, seqIds, succeeded } from '../assertions.js';
import { law } from '../law-group.js';

const oneTo = (last: number) => Array.from({ length: last }, (_, index) => BigInt(index + 1));

export const density = law('Density', 'ids are 1, 2, 3 … where the adapter declares it', (test) => {
  test('appends get 1, 2, 3 …', ['dense'], async (fixture) => {
    assert.deepEqual(seqIds(await fill(fixture.timeline(), 25)), oneTo(25));
  });

  test('concurrent writers leave no gap', ['dense'], async (fixture) => {
    const other = await fixture.open();
    await Promise.all([fill(fixture.timeline(), 60), fill(other.timeline('timeline'), 60)]);
    assert.deepEqual(seqIds(await readAll(fixture.timeline())), oneTo(120));
  });

  test('every way to append takes the next number', ['dense', 'atomicBatch'], async (fixture) => {
    const timeline = fixture.timeline();
    await timeline.append('1');
    await timeline.appendMany(['2', '3']);
    await fixture.store.appendBatch([{ timeline: 'timeline', message: '4' }]);
    await fixture.store.appendToMany(['timeline', 'another'], '5');
    assert.deepEqual(seqIds(await readAll(timeline)), oneTo(5));
  });

  test('each Timeline counts for itself', ['dense'], async (fixture) => {
    const outcomes = await fixture.store.appendBatch(
      ['a', 'b', 'a', 'c', 'b', 'a'].map((timeline) => ({ timeline, message: 'm' })),
    );
    assert.deepEqual(seqIds(outcomes.map(succeeded)), [1n, 1n, 2n, 1n, 2n, 3n]);
  });

  test('a duplicate takes no number', ['dense', 'keys'], async (fixture) => {
    const timeline = fixture.timeline();
    await timeline.append('m', { key: 'k' });
    await timeline.append('m', { key: 'k' });
    assert.equal((await timeline.append('n')).seqId, 2n);
  });

  test('a refused append takes no number', ['dense', 'expectedLast'], async (fixture) => {
    const timeline = fixture.timeline();
    await timeline.append('m');
    await rejects(timeline.append('refused', { expectedLast: 7n }), 'TIMELINE_CONFLICT');
    assert.equal((await timeline.append('n')).seqId, 2n);
  });

  test('a deletion leaves its number in place', ['dense', 'delete'], async (fixture) => {
    const timeline = fixture.timeline();
    await fill(timeline, 5);
    await timeline.delete(3n);
    await timeline.delete(5n);
    await timeline.append('next');
    const entries = await readAll(timeline);
    assert.deepEqual(seqIds(entries), oneTo(6));
    assert.deepEqual(
      entries.map((entry) => entry.deleted),
      [false, false, true, false, true, false],
    );
  });

  test('counting goes on after a trim of everything', ['dense', 'trim'], async (fixture) => {
    const timeline = fixture.timeline();
    await fill(timeline, 3);
    await timeline.trim({ through: 3n });
    assert.equal((await timeline.append('next')).seqId, 4n);
  });
});
