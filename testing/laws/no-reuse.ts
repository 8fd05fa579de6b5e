import assert from 'node:assert/strict';
import { assertGrowing, fill, readAll, rejects, seqIds } from '../assertions.js';
import { law } from '../law-group.js';

export const noReuse = law('No reuse', 'a SeqId is never given twice', (test) => {
  test('not after the newest entry was deleted', ['delete'], async (fixture) => {
    const timeline = fixture.timeline();
    const ids = seqIds(await fill(timeline, 3));
    for (let round = 0; round < 3; round += 1) {
      await timeline.delete(ids.at(-1)!);
      assert.equal((await timeline.head()).lastSeqId, ids.at(-1));
      ids.push((await timeline.append('next')).seqId);
    }
    assertGrowing(ids);
  });

  test('not after everything was deleted', ['delete'], async (fixture) => {
    const timeline = fixture.timeline();
    const ids = seqIds(await fill(timeline, 3));
    for (const id of ids) await timeline.delete(id);
    assertGrowing([...ids, (await timeline.append('next')).seqId]);
  });

  test('not after everything was trimmed', ['trim'], async (fixture) => {
    const timeline = fixture.timeline();
    const ids = seqIds(await fill(timeline, 3));
    for (let round = 0; round < 3; round += 1) {
      await timeline.trim({ through: ids.at(-1)! });
      assert.deepEqual(await readAll(timeline), []);
      assert.equal((await timeline.head()).lastSeqId, ids.at(-1));
      ids.push((await timeline.append('next')).seqId);
    }
    assertGrowing(ids);
  });

  test('not after everything was trimmed and is physically gone', ['trim', 'physicalEntries'], async (fixture) => {
    const timeline = fixture.timeline();
    const ids = seqIds(await fill(timeline, 50));
    await timeline.trim({ through: ids.at(-1)! });
    await fixture.untilPhysically(1, fixture.store.name, 'timeline');
    assertGrowing([...ids, (await timeline.append('next')).seqId]);
  });

  test('not after all entries have expired', ['ttl'], async (fixture) => {
    const timeline = (await fixture.openExpiring()).timeline('timeline');
    const ids = seqIds(await fill(timeline, 3));
    for (let round = 0; round < 3; round += 1) {
      fixture.time += fixture.ttlMs + 1;
      assert.deepEqual(await readAll(timeline), []);
      assert.equal((await timeline.head()).lastSeqId, ids.at(-1));
      ids.push((await timeline.append('next')).seqId);
    }
    assertGrowing(ids);
  });

  test(
    'not after all entries have expired and were physically removed',
    ['ttl', 'physicalEntries'],
    async (fixture) => {
      const store = await fixture.openExpiring();
      const ids = seqIds(await fill(store.timeline('timeline'), 50));
      fixture.time += fixture.ttlMs + 1;
      await fixture.untilPhysically(1, store.name, 'timeline');
      assertGrowing([...ids, (await store.timeline('timeline').append('next')).seqId]);
    },
  );

  test('not after a restart that follows the deletion of the newest entry', ['delete', 'reopen'], async (fixture) => {
    const ids = seqIds(await fill(fixture.timeline(), 3));
    await fixture.timeline().delete(ids.at(-1)!);
    await fixture.restart();
    assertGrowing([...ids, (await fixture.timeline().append('next')).seqId]);
  });

  test('not after a restart that follows a trim of everything', ['trim', 'reopen'], async (fixture) => {
    const ids = seqIds(await fill(fixture.timeline(), 3));
    await fixture.timeline().trim({ through: ids.at(-1)! });
    await fixture.restart();
    assert.equal((await fixture.timeline().head()).lastSeqId, ids.at(-1));
    assertGrowing([...ids, (await fixture.timeline().append('next')).seqId]);
  });

  test('not after a restart that follows the expiry of everything', ['ttl', 'reopen'], async (fixture) => {
    const before = await fixture.openExpiring();
    const ids = seqIds(await fill(before.timeline('timeline'), 3));
    fixture.time += fixture.ttlMs + 1;
    await before.close();
    const after = await fixture.reopen({ name: 'expiring', ttlMs: fixture.ttlMs });
    assertGrowing([...ids, (await after.timeline('timeline').append('next')).seqId]);
  });

  test('not to concurrent writers', async (fixture) => {
    const other = await fixture.open();
    const results = await Promise.all([fill(fixture.timeline(), 100), fill(other.timeline('timeline'), 100)]);
    assert.equal(new Set(seqIds(results.flat())).size, 200);
  });

  test('not to an append that follows a refused one', ['expectedLast'], async (fixture) => {
    const timeline = fixture.timeline();
    const ids = seqIds(await fill(timeline, 2));
    await rejects(timeline.append('refused', { expectedLast: 0n }), 'TIMELINE_CONFLICT');
    assertGrowing([...ids, (await timeline.append('next')).seqId]);
    assert.equal((await readAll(timeline)).length, 3);
  });
});
