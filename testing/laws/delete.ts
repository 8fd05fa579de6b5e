import assert from 'node:assert/strict';
import { fill, readAll, seqIds, take } from '../assertions.js';
import { law } from '../law-group.js';

export const deletion = law('Delete', 'a deletion leaves a tombstone and frees no number', (test) => {
  test('every way of reading shows the tombstone in its place', ['delete'], async (world) => {
    const timeline = world.timeline();
    const all = await fill(timeline, 3);
    const { seqId } = all[1]!;
    await timeline.delete(seqId);
    const entries = await readAll(timeline);
    assert.deepEqual(seqIds(entries), seqIds(all));
    assert.deepEqual(
      entries.map((entry) => [entry.deleted, entry.message]),
      [
        [false, 'm1'],
        [true, undefined],
        [false, 'm3'],
      ],
    );
    assert.equal((await timeline.get(seqId))?.deleted, true);
    assert.deepEqual(
      (await take(timeline.scan({ reverse: true }))).map((entry) => entry.deleted),
      [false, true, false],
    );
    assert.deepEqual(
      (await take(timeline.subscribe(), 3)).map((entry) => entry.deleted),
      [false, true, false],
    );
  });

  test('the tombstone keeps SeqId, cursor and time, and its revision is one higher', ['delete'], async (world) => {
    const { seqId, cursor } = await world.timeline().append('m');
    const before = await world.timeline().get(seqId);
    world.time += 1000;
    await world.timeline().delete(seqId);
    const after = await world.timeline().get(seqId);
    assert.deepEqual([after?.seqId, after?.cursor, after?.revision], [seqId, cursor, 1]);
    assert.equal(after?.appendedAt, before?.appendedAt);
  });

  test('deleting again changes nothing', ['delete'], async (world) => {
    const { seqId } = await world.timeline().append('m');
    for (let round = 0; round < 3; round += 1) await world.timeline().delete(seqId);
    assert.equal((await world.timeline().get(seqId))?.revision, 1);
    assert.equal((await readAll(world.timeline())).length, 1);
  });

  test('deleting what is not there does nothing', ['delete'], async (world) => {
    await world.timeline().delete(5n);
    assert.equal((await world.timeline().head()).lastSeqId, 0n);
    const last = (await fill(world.timeline(), 2)).at(-1)!.seqId;
    await world.timeline().delete(last + 1n);
    await world.timeline('other').delete(last);
    assert.deepEqual(
      (await readAll(world.timeline())).map((entry) => entry.deleted),
      [false, false],
    );
    assert.ok((await world.timeline().append('next')).seqId > last);
  });

  test('the head stays as it is, whichever entry goes', ['delete'], async (world) => {
    const timeline = world.timeline();
    const all = await fill(timeline, 3);
    for (const { seqId } of all) {
      await timeline.delete(seqId);
      const { firstSeqId, lastSeqId } = await timeline.head();
      assert.deepEqual([firstSeqId, lastSeqId], [all[0]?.seqId, all[2]?.seqId], `after deleting ${seqId}`);
    }
    assert.equal((await timeline.latest())?.deleted, true);
  });

  test('cursors of a deleted entry stay good', ['delete'], async (world) => {
    const all = await fill(world.timeline(), 3);
    await world.timeline().delete(all[1]!.seqId);
    const page = await world.timeline().read({ after: all[1]!.cursor });
    assert.deepEqual([seqIds(page.entries), page.truncated], [[all[2]?.seqId], undefined]);
  });

  test('an updated entry can be deleted', ['delete', 'update'], async (world) => {
    const { seqId } = await world.timeline().append('m');
    await world.timeline().update(seqId, 'edited');
    await world.timeline().delete(seqId);
    const entry = await world.timeline().get(seqId);
    assert.deepEqual([entry?.deleted, entry?.message, entry?.revision], [true, undefined, 2]);
  });

  test('what was trimmed is not brought back as a tombstone', ['delete', 'trim'], async (world) => {
    const all = await fill(world.timeline(), 2);
    await world.timeline().trim({ through: all[0]!.seqId });
    await world.timeline().delete(all[0]!.seqId);
    assert.deepEqual(seqIds(await readAll(world.timeline())), [all[1]?.seqId]);
    assert.equal(await world.timeline().get(all[0]!.seqId), undefined);
  });
});
