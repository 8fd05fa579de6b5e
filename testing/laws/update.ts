import assert from 'node:assert/strict';
import { fill, messages, readAll, rejects, seqIds } from '../assertions.js';
import { law } from '../law-group.js';

export const update = law('Update', 'an update keeps SeqId and place and raises the revision', (test) => {
  test('the message changes; SeqId, place, time and neighbours do not', ['update'], async (world) => {
    const timeline = world.timeline();
    const all = await fill(timeline, 3);
    const before = await timeline.get(all[1]!.seqId);
    world.time += 1000;
    const updated = await timeline.update(all[1]!.seqId, 'edited');
    assert.deepEqual(
      [updated.seqId, updated.cursor, updated.message, updated.revision],
      [all[1]?.seqId, all[1]?.cursor, 'edited', 1],
    );
    const entries = await readAll(timeline);
    assert.deepEqual(messages(entries), ['m1', 'edited', 'm3']);
    assert.deepEqual(seqIds(entries), seqIds(all));
    assert.deepEqual(
      entries.map((entry) => entry.revision),
      [0, 1, 0],
    );
    assert.equal(entries[1]?.appendedAt, before?.appendedAt);
  });

  test('lastSeqId never moves', ['update'], async (world) => {
    const timeline = world.timeline();
    const last = (await fill(timeline, 2)).at(-1)!.seqId;
    await timeline.update(last, 'edited');
    assert.equal((await timeline.head()).lastSeqId, last);
    assert.ok((await timeline.append('next')).seqId > last);
  });

  test('each update counts', ['update'], async (world) => {
    const { seqId } = await world.timeline().append('m');
    for (let revision = 1; revision <= 4; revision += 1) {
      assert.equal((await world.timeline().update(seqId, `edit ${revision}`)).revision, revision);
    }
    assert.equal((await world.timeline().get(seqId))?.message, 'edit 4');
  });

  test('ifRevision lets it through only where it holds', ['update'], async (world) => {
    const timeline = world.timeline();
    const { seqId } = await timeline.append('m');
    await timeline.update(seqId, 'first', { ifRevision: 0 });
    for (const ifRevision of [0, 2]) {
      const error = await rejects(timeline.update(seqId, 'refused', { ifRevision }), 'TIMELINE_CONFLICT');
      assert.deepEqual([error.expected, error.actual], [ifRevision, 1]);
    }
    await timeline.update(seqId, 'second', { ifRevision: 1 });
    const entry = await timeline.get(seqId);
    assert.deepEqual([entry?.message, entry?.revision], ['second', 2]);
  });

  test('of racers with one ifRevision exactly one wins', ['update'], async (world) => {
    const { seqId } = await world.timeline().append('m');
    const other = (await world.open()).timeline('timeline');
    const attempts = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) =>
        (index % 2 === 0 ? world.timeline() : other).update(seqId, `racer ${index}`, { ifRevision: 0 }),
      ),
    );
    assert.equal(attempts.filter((attempt) => attempt.status === 'fulfilled').length, 1);
    assert.equal((await world.timeline().get(seqId))?.revision, 1);
  });

  test('no concurrent update is lost from the count', ['update'], async (world) => {
    const { seqId } = await world.timeline().append('m');
    const revisions = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => (await world.timeline().update(seqId, `${index}`)).revision),
    );
    assert.deepEqual(
      revisions.sort((a, b) => a - b),
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
  });

  test('what was never there is not found', ['update'], async (world) => {
    await rejects(world.timeline().update(1n, 'edited'), 'TIMELINE_NOT_FOUND');
    const last = (await fill(world.timeline(), 2)).at(-1)!.seqId;
    await rejects(world.timeline().update(last + 1n, 'edited'), 'TIMELINE_NOT_FOUND');
    await rejects(world.timeline('other').update(last, 'edited'), 'TIMELINE_NOT_FOUND');
    assert.deepEqual(messages(await readAll(world.timeline())), ['m1', 'm2']);
    assert.deepEqual(await readAll(world.timeline('other')), []);
  });

  test('a tombstone is not found', ['update', 'delete'], async (world) => {
    const { seqId } = await world.timeline().append('m');
    await world.timeline().delete(seqId);
    await rejects(world.timeline().update(seqId, 'edited'), 'TIMELINE_NOT_FOUND');
    await rejects(world.timeline().update(seqId, 'edited', { ifRevision: 1 }), 'TIMELINE_NOT_FOUND');
    assert.equal((await world.timeline().get(seqId))?.deleted, true);
  });

  test('what was trimmed is not found', ['update', 'trim'], async (world) => {
    const all = await fill(world.timeline(), 2);
    await world.timeline().trim({ through: all[0]!.seqId });
    await rejects(world.timeline().update(all[0]!.seqId, 'edited'), 'TIMELINE_NOT_FOUND');
    assert.equal((await world.timeline().update(all[1]!.seqId, 'edited')).message, 'edited');
  });

  test('what has expired is not found, and an update does not prolong', ['update', 'ttl'], async (world) => {
    const timeline = (await world.openExpiring()).timeline('timeline');
    const { seqId } = await timeline.append('m');
    world.time += world.ttlMs - 1;
    await timeline.update(seqId, 'edited');
    world.time += 2;
    assert.equal(await timeline.get(seqId), undefined);
    await rejects(timeline.update(seqId, 'again'), 'TIMELINE_NOT_FOUND');
  });

  test('a message that is too large leaves the entry as it was', ['update'], async (world) => {
    const { seqId } = await world.timeline().append('m');
    await rejects(world.timeline().update(seqId, 'x'.repeat(world.capabilities.maxBodyBytes)), 'TIMELINE_TOO_LARGE');
    const entry = await world.timeline().get(seqId);
    assert.deepEqual([entry?.message, entry?.revision], ['m', 0]);
  });
});
