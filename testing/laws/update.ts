import assert from 'node:assert/strict';
import { fill, messages, readAll, rejects, seqIds } from '../assertions.js';
import { law } from '../law-group.js';

export const update = law('Update', 'an update keeps SeqId and place and raises the revision', (test) => {
  test('the message changes; SeqId, place, time and neighbours do not', ['update'], async (fixture) => {
    const timeline = fixture.timeline();
    const all = await fill(timeline, 3);
    const before = await timeline.get(all[1]!.seqId);
    fixture.time += 1000;
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

  test('lastSeqId never moves', ['update'], async (fixture) => {
    const timeline = fixture.timeline();
    const last = (await fill(timeline, 2)).at(-1)!.seqId;
    await timeline.update(last, 'edited');
    assert.equal((await timeline.head()).lastSeqId, last);
    assert.ok((await timeline.append('next')).seqId > last);
  });

  test('each update counts', ['update'], async (fixture) => {
    const { seqId } = await fixture.timeline().append('m');
    for (let revision = 1; revision <= 4; revision += 1) {
      assert.equal((await fixture.timeline().update(seqId, `edit ${revision}`)).revision, revision);
    }
    assert.equal((await fixture.timeline().get(seqId))?.message, 'edit 4');
  });

  test('ifRevision lets it through only where it holds', ['update'], async (fixture) => {
    const timeline = fixture.timeline();
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

  test('of racers with one ifRevision exactly one wins', ['update'], async (fixture) => {
    const { seqId } = await fixture.timeline().append('m');
    const other = (await fixture.open()).timeline('timeline');
    const attempts = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) =>
        (index % 2 === 0 ? fixture.timeline() : other).update(seqId, `racer ${index}`, { ifRevision: 0 }),
      ),
    );
    assert.equal(attempts.filter((attempt) => attempt.status === 'fulfilled').length, 1);
    assert.equal((await fixture.timeline().get(seqId))?.revision, 1);
  });

  test('no concurrent update is lost from the count', ['update'], async (fixture) => {
    const { seqId } = await fixture.timeline().append('m');
    const revisions = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => (await fixture.timeline().update(seqId, `${index}`)).revision),
    );
    assert.deepEqual(
      revisions.sort((a, b) => a - b),
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
  });

  test('a missing entry is not found', ['update'], async (fixture) => {
    await rejects(fixture.timeline().update(1n, 'edited'), 'TIMELINE_NOT_FOUND');
    const last = (await fill(fixture.timeline(), 2)).at(-1)!.seqId;
    await rejects(fixture.timeline().update(last + 1n, 'edited'), 'TIMELINE_NOT_FOUND');
    await rejects(fixture.timeline('other').update(last, 'edited'), 'TIMELINE_NOT_FOUND');
    assert.deepEqual(messages(await readAll(fixture.timeline())), ['m1', 'm2']);
    assert.deepEqual(await readAll(fixture.timeline('other')), []);
  });

  test('a tombstone is not found', ['update', 'delete'], async (fixture) => {
    const { seqId } = await fixture.timeline().append('m');
    await fixture.timeline().delete(seqId);
    await rejects(fixture.timeline().update(seqId, 'edited'), 'TIMELINE_NOT_FOUND');
    await rejects(fixture.timeline().update(seqId, 'edited', { ifRevision: 1 }), 'TIMELINE_NOT_FOUND');
    assert.equal((await fixture.timeline().get(seqId))?.deleted, true);
  });

  test('a trimmed entry is not found', ['update', 'trim'], async (fixture) => {
    const all = await fill(fixture.timeline(), 2);
    await fixture.timeline().trim({ through: all[0]!.seqId });
    await rejects(fixture.timeline().update(all[0]!.seqId, 'edited'), 'TIMELINE_NOT_FOUND');
    assert.equal((await fixture.timeline().update(all[1]!.seqId, 'edited')).message, 'edited');
  });

  test('an expired entry is not found, and an update does not extend its life', ['update', 'ttl'], async (fixture) => {
    const timeline = (await fixture.openExpiring()).timeline('timeline');
    const { seqId } = await timeline.append('m');
    fixture.time += fixture.ttlMs - 1;
    await timeline.update(seqId, 'edited');
    fixture.time += 2;
    assert.equal(await timeline.get(seqId), undefined);
    await rejects(timeline.update(seqId, 'again'), 'TIMELINE_NOT_FOUND');
  });

  test('a message that is too large leaves the entry as it was', ['update'], async (fixture) => {
    const { seqId } = await fixture.timeline().append('m');
    await rejects(
      fixture.timeline().update(seqId, 'x'.repeat(fixture.capabilities.maxBodyBytes)),
      'TIMELINE_TOO_LARGE',
    );
    const entry = await fixture.timeline().get(seqId);
    assert.deepEqual([entry?.message, entry?.revision], ['m', 0]);
  });
});
