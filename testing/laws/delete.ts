import assert from 'node:assert/strict';
import { fill, readAll, seqIds, take } from '../assertions.js';
import { law } from '../law-group.js';

export const deletion = law('Delete', 'a deletion leaves a tombstone and frees no number', (test) => {
  test('every way of reading shows the tombstone in its place', ['delete'], async (fixture) => {
    const timeline = fixture.timeline();
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

  test('the tombstone keeps SeqId, cursor and time, and its revision is one higher', ['delete'], async (fixture) => {
    const { seqId, cursor } = await fixture.timeline().append('m');
    const before = await fixture.timeline().get(seqId);
    fixture.time += 1000;
    await fixture.timeline().delete(seqId);
    const after = await fixture.timeline().get(seqId);
    assert.deepEqual([after?.seqId, after?.cursor, after?.revision], [seqId, cursor, 1]);
    assert.equal(after?.appendedAt, before?.appendedAt);
  });

  test('deleting again changes nothing', ['delete'], async (fixture) => {
    const { seqId } = await fixture.timeline().append('m');
    for (let round = 0; round < 3; round += 1) await fixture.timeline().delete(seqId);
    assert.equal((await fixture.timeline().get(seqId))?.revision, 1);
    assert.equal((await readAll(fixture.timeline())).length, 1);
  });

  test('deleting a missing entry does nothing', ['delete'], async (fixture) => {
    await fixture.timeline().delete(5n);
    assert.equal((await fixture.timeline().head()).lastSeqId, 0n);
    const last = (await fill(fixture.timeline(), 2)).at(-1)!.seqId;
    await fixture.timeline().delete(last + 1n);
    await fixture.timeline('other').delete(last);
    assert.deepEqual(
      (await readAll(fixture.timeline())).map((entry) => entry.deleted),
      [false, false],
    );
    assert.ok((await fixture.timeline().append('next')).seqId > last);
  });

  test('the head stays as it is, whichever entry goes', ['delete'], async (fixture) => {
    const timeline = fixture.timeline();
    const all = await fill(timeline, 3);
    for (const { seqId } of all) {
      await timeline.delete(seqId);
      const { firstSeqId, lastSeqId } = await timeline.head();
      assert.deepEqual([firstSeqId, lastSeqId], [all[0]?.seqId, all[2]?.seqId], `after deleting ${seqId}`);
    }
    assert.equal((await timeline.latest())?.deleted, true);
  });

  test('cursors of a deleted entry stay good', ['delete'], async (fixture) => {
    const all = await fill(fixture.timeline(), 3);
    await fixture.timeline().delete(all[1]!.seqId);
    const page = await fixture.timeline().read({ after: all[1]!.cursor });
    assert.deepEqual([seqIds(page.entries), page.truncated], [[all[2]?.seqId], undefined]);
  });

  test('an updated entry can be deleted', ['delete', 'update'], async (fixture) => {
    const { seqId } = await fixture.timeline().append('m');
    await fixture.timeline().update(seqId, 'edited');
    await fixture.timeline().delete(seqId);
    const entry = await fixture.timeline().get(seqId);
    assert.deepEqual([entry?.deleted, entry?.message, entry?.revision], [true, undefined, 2]);
  });

  test('a trimmed entry does not become a tombstone', ['delete', 'trim'], async (fixture) => {
    const all = await fill(fixture.timeline(), 2);
    await fixture.timeline().trim({ through: all[0]!.seqId });
    await fixture.timeline().delete(all[0]!.seqId);
    assert.deepEqual(seqIds(await readAll(fixture.timeline())), [all[1]?.seqId]);
    assert.equal(await fixture.timeline().get(all[0]!.seqId), undefined);
  });
});
