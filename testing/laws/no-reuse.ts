import assert from 'node:assert/strict';
import { assertGrowing, fill, readAll, rejects, seqIds } from '../assertions.js';
import { law } from '../law-group.js';

export const noReuse = law('No reuse', 'a SeqId is never given twice', (test) => {
  test('not after the newest entry was deleted', ['delete'], async (world) => {
    const timeline = world.timeline();
    const ids = seqIds(await fill(timeline, 3));
    for (let round = 0; round < 3; round += 1) {
      await timeline.delete(ids.at(-1)!);
      assert.equal((await timeline.head()).lastSeqId, ids.at(-1));
      ids.push((await timeline.append('next')).seqId);
    }
    assertGrowing(ids);
  });

  test('not after everything was deleted', ['delete'], async (world) => {
    const timeline = world.timeline();
    const ids = seqIds(await fill(timeline, 3));
    for (const id of ids) await timeline.delete(id);
    assertGrowing([...ids, (await timeline.append('next')).seqId]);
  });

  test('not after everything was trimmed', ['trim'], async (world) => {
    const timeline = world.timeline();
    const ids = seqIds(await fill(timeline, 3));
    for (let round = 0; round < 3; round += 1) {
      await timeline.trim({ through: ids.at(-1)! });
      assert.deepEqual(await readAll(timeline), []);
      assert.equal((await timeline.head()).lastSeqId, ids.at(-1));
      ids.push((await timeline.append('next')).seqId);
    }
    assertGrowing(ids);
  });

  test('not after everything was trimmed and is physically gone', ['trim', 'physicalEntries'], async (world) => {
    const timeline = world.timeline();
    const ids = seqIds(await fill(timeline, 50));
    await timeline.trim({ through: ids.at(-1)! });
    await world.untilPhysically(1, world.store.name, 'timeline');
    assertGrowing([...ids, (await timeline.append('next')).seqId]);
  });

  test('not after everything has expired', ['ttl'], async (world) => {
    const timeline = (await world.openExpiring()).timeline('timeline');
    const ids = seqIds(await fill(timeline, 3));
    for (let round = 0; round < 3; round += 1) {
      world.time += world.ttlMs + 1;
      assert.deepEqual(await readAll(timeline), []);
      assert.equal((await timeline.head()).lastSeqId, ids.at(-1));
      ids.push((await timeline.append('next')).seqId);
    }
    assertGrowing(ids);
  });

  test('not after everything has expired and is physically gone', ['ttl', 'physicalEntries'], async (world) => {
    const store = await world.openExpiring();
    const ids = seqIds(await fill(store.timeline('timeline'), 50));
    world.time += world.ttlMs + 1;
    await world.untilPhysically(1, store.name, 'timeline');
    assertGrowing([...ids, (await store.timeline('timeline').append('next')).seqId]);
  });

  test('not after a restart that follows the deletion of the newest entry', ['delete', 'reopen'], async (world) => {
    const ids = seqIds(await fill(world.timeline(), 3));
    await world.timeline().delete(ids.at(-1)!);
    await world.restart();
    assertGrowing([...ids, (await world.timeline().append('next')).seqId]);
  });

  test('not after a restart that follows a trim of everything', ['trim', 'reopen'], async (world) => {
    const ids = seqIds(await fill(world.timeline(), 3));
    await world.timeline().trim({ through: ids.at(-1)! });
    await world.restart();
    assert.equal((await world.timeline().head()).lastSeqId, ids.at(-1));
    assertGrowing([...ids, (await world.timeline().append('next')).seqId]);
  });

  test('not after a restart that follows the expiry of everything', ['ttl', 'reopen'], async (world) => {
    const before = await world.openExpiring();
    const ids = seqIds(await fill(before.timeline('timeline'), 3));
    world.time += world.ttlMs + 1;
    await before.close();
    const after = await world.reopen({ name: 'expiring', ttlMs: world.ttlMs });
    assertGrowing([...ids, (await after.timeline('timeline').append('next')).seqId]);
  });

  test('not to concurrent writers', async (world) => {
    const other = await world.open();
    const results = await Promise.all([fill(world.timeline(), 100), fill(other.timeline('timeline'), 100)]);
    assert.equal(new Set(seqIds(results.flat())).size, 200);
  });

  test('not to an append that follows a refused one', ['expectedLast'], async (world) => {
    const timeline = world.timeline();
    const ids = seqIds(await fill(timeline, 2));
    await rejects(timeline.append('refused', { expectedLast: 0n }), 'TIMELINE_CONFLICT');
    assertGrowing([...ids, (await timeline.append('next')).seqId]);
    assert.equal((await readAll(timeline)).length, 3);
  });
});
