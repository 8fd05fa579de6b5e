import assert from 'node:assert/strict';
import type { Cursor } from '../../src/types.js';
import {
  assertGrowing,
  fill,
  messages,
  readAll,
  rejects,
  seqIds,
  succeeded,
  take,
  until,
  within,
} from '../assertions.js';
import { assertRefused, caughtUp, droppedTimeline } from '../dropped-timeline.js';
import { LIBRARY } from '../fixture.js';
import { law } from '../law-group.js';

export const drop = law('Drop', 'a dropped Timeline is gone, and no cursor of before is ever good again', (test) => {
  test('its entries are gone, and its head is that of an empty Timeline', ['drop'], async (fixture) => {
    const timeline = fixture.timeline();
    const old = await fill(timeline, 5);
    const { epoch } = await timeline.head();
    await timeline.drop();
    const page = await timeline.read();
    assert.deepEqual([page.entries, page.upToDate, page.truncated], [[], true, undefined]);
    assert.equal(await timeline.latest(), undefined);
    assert.equal(await timeline.get(old[2]!.seqId), undefined);
    assert.equal(await timeline.count(), 0);
    const head = await timeline.head();
    assert.equal(head.lastSeqId, 0n);
    assert.notEqual(head.epoch, epoch);
    assert.deepEqual(await fixture.store.heads(['timeline']), [head]);
  });

  test('every older cursor is refused, at once and however much is appended', ['drop'], async (fixture) => {
    await fixture.timeline('beside').append('m');
    const { timeline, old } = await droppedTimeline(fixture);
    for (const count of [0, 1, 4, 20]) {
      await fill(timeline, count, 'new');
      for (const { cursor } of [old[0]!, old[4]!]) await assertRefused(fixture.store, cursor);
    }
  });

  test('it is written to again as if it were new', ['drop'], async (fixture) => {
    const { timeline } = await droppedTimeline(fixture);
    const before = (await timeline.read()).next;
    const added = await fill(timeline, 3, 'new');
    assertGrowing(seqIds(added));
    assert.deepEqual(messages(await readAll(timeline)), ['new1', 'new2', 'new3']);
    assert.deepEqual(messages((await timeline.read({ after: before })).entries), ['new1', 'new2', 'new3']);
    assert.deepEqual(messages((await timeline.read({ after: added[1]!.cursor })).entries), ['new3']);
    const page = await timeline.read({ after: 0n });
    assert.deepEqual([page.entries.length, page.truncated, await timeline.count()], [3, undefined, 3]);
    assert.equal((await timeline.head()).lastSeqId, added[2]?.seqId);
  });

  test('its first append expects 0n', ['drop', 'expectedLast'], async (fixture) => {
    const { timeline, old } = await droppedTimeline(fixture);
    await rejects(timeline.append('m', { expectedLast: old[4]!.seqId }), 'TIMELINE_CONFLICT');
    await timeline.append('m', { expectedLast: 0n });
  });

  test('its keys are gone', ['drop', 'keys'], async (fixture) => {
    const timeline = fixture.timeline();
    await timeline.append('m', { key: 'k' });
    await timeline.drop();
    const again = await timeline.append('another', { key: 'k' });
    assert.equal(again.duplicate, false);
    assert.deepEqual(messages(await readAll(timeline)), ['another']);
    assert.equal((await timeline.append('another', { key: 'k' })).duplicate, true);
  });

  test('its checkpoints are gone, and take no position of before', ['drop', 'checkpoints'], async (fixture) => {
    const timeline = fixture.timeline();
    const old = await fill(timeline, 5);
    const phone = timeline.checkpoint('phone');
    await phone.advance(old[4]!.cursor);
    await timeline.drop();
    assert.equal(await phone.get(), undefined);
    const [added] = await fill(timeline, 2, 'new');
    assert.deepEqual(await fixture.store.checkpoints([{ timeline: 'timeline', reader: 'phone' }]), [undefined]);
    await rejects(phone.advance(old[1]!.cursor), 'TIMELINE_EPOCH_CHANGED');
    assert.equal(await phone.get(), undefined);
    assert.equal(await phone.advance(added!.cursor), added?.cursor);
    await rejects(phone.advance(old[4]!.cursor), 'TIMELINE_EPOCH_CHANGED');
    assert.equal(await phone.get(), added?.cursor);
  });

  test('it is listed only once it is written to again', ['drop', 'timelines'], async (fixture) => {
    await fixture.timeline('a').append('m');
    await fixture.timeline('c').append('m');
    await droppedTimeline(fixture);
    assert.deepEqual(await take(fixture.store.timelines()), ['a', 'c']);
    await fixture.timeline().append('new');
    assert.deepEqual(await take(fixture.store.timelines()), ['a', 'c', 'timeline']);
  });

  test('other Timelines stay as they are', ['drop'], async (fixture) => {
    const ids = ['timeline', 'timeline2', 'time', 'TIMELINE'];
    (await fixture.store.appendToMany(ids, 'shared')).forEach(succeeded);
    const [, ...before] = await fixture.store.heads(ids);
    await fixture.timeline().drop();
    const [, ...after] = await fixture.store.heads(ids);
    assert.deepEqual(after, before);
    for (const id of ids.slice(1)) assert.deepEqual(messages(await readAll(fixture.timeline(id))), ['shared']);
  });

  test('a Timeline without anything to drop stays as it is', ['drop'], async (fixture) => {
    const timeline = fixture.timeline();
    const { next } = await timeline.read();
    await timeline.drop();
    assert.equal((await timeline.head()).lastSeqId, 0n);
    await timeline.append('m');
    assert.deepEqual(messages((await timeline.read({ after: next })).entries), ['m']);
    await timeline.drop();
    const dropped = await timeline.head();
    await timeline.drop();
    assert.deepEqual(await timeline.head(), dropped);
  });

  test('changes of entries from before find nothing', ['drop', 'update', 'delete', 'trim'], async (fixture) => {
    const { timeline, old } = await droppedTimeline(fixture);
    await rejects(timeline.update(old[4]!.seqId, 'late'), 'TIMELINE_NOT_FOUND');
    await timeline.delete(old[4]!.seqId);
    await timeline.trim({ through: old[4]!.seqId });
    await timeline.trim({ keepLast: 0 });
    const added = await fill(timeline, 3, 'new');
    await timeline.update(added[1]!.seqId, 'edited');
    await timeline.delete(added[2]!.seqId);
    await timeline.trim({ through: added[0]!.seqId });
    assert.deepEqual(messages(await readAll(timeline)), ['edited', undefined]);
    assert.equal((await timeline.read({ after: 0n })).truncated?.through, added[0]?.seqId);
  });

  test('subscriptions of the same store end, those that wait and those that are behind', ['drop'], async (fixture) => {
    const timeline = fixture.timeline();
    const old = await fill(timeline, 150);
    const waiting = [caughtUp(timeline), caughtUp(timeline), caughtUp(timeline, old[100]!.cursor)];
    await Promise.all(waiting.map(({ waits }) => waits));
    const behind = timeline.subscribe({ pageSize: 10 })[Symbol.asyncIterator]();
    await behind.next();
    await timeline.drop();
    await fill(timeline, 3, 'new');
    for (const { ended } of waiting) await rejects(within('its end', ended, 1000), 'TIMELINE_EPOCH_CHANGED');
    const rest = (async () => {
      while (!(await behind.next()).done);
    })();
    await rejects(within('its end', rest), 'TIMELINE_EPOCH_CHANGED');
  });

  test('subscriptions of another store end', ['drop'], async (fixture) => {
    const other = await fixture.reopenOrOpen();
    await fill(fixture.timeline(), 5);
    await fill(fixture.timeline('again'), 3);
    const [one, two] = [caughtUp(other.timeline('timeline')), caughtUp(other.timeline('again'))];
    await Promise.all([one.waits, two.waits]);
    await Promise.all([fixture.timeline().drop(), fixture.timeline('again').drop()]);
    await fill(fixture.timeline('again'), 3, 'new');
    for (const { ended } of [one, two]) await rejects(within('its end', ended, 15_000), 'TIMELINE_EPOCH_CHANGED');
  });

  test('a watch is woken', ['drop'], async (fixture) => {
    await fill(fixture.timeline(), 2);
    let woken = 0;
    const stop = fixture.store.watch(['timeline'], () => {
      woken += 1;
    });
    const before = woken;
    await fixture.timeline().drop();
    await until('the wake-up', () => woken > before);
    stop();
  });

  test('of appends at the same time each is gone, or of the new epoch', ['drop'], async (fixture) => {
    const other = await fixture.reopenOrOpen();
    const timeline = fixture.timeline();
    await fill(timeline, 5);
    for (let round = 0; round < 5; round += 1) {
      const writing = [timeline, other.timeline('timeline')].flatMap((each, writer) =>
        Array.from({ length: 20 }, async (_, index) => {
          await new Promise((resolve) => setTimeout(resolve, index / 4));
          return { message: `${round} ${writer} ${index}`, ...(await each.append(`${round} ${writer} ${index}`)) };
        }),
      );
      await new Promise((resolve) => setTimeout(resolve, round));
      await timeline.drop();
      const after = await timeline.append(`${round} after`);
      const written = await Promise.all(writing);
      const prefix = after.cursor.slice(0, after.cursor.lastIndexOf('.') + 1);
      const kept = written.filter(({ cursor }) => cursor.startsWith(prefix)).map(({ message }) => message);
      assert.deepEqual(messages(await readAll(timeline)).sort(), [...kept, `${round} after`].sort());
      const gone = written.find(({ cursor }) => !cursor.startsWith(prefix));
      if (gone) await rejects(timeline.read({ after: gone.cursor }), 'TIMELINE_EPOCH_CHANGED');
    }
  });

  test('a reader at the same time gets whole pages of one life, or is refused', ['drop'], async (fixture) => {
    const other = await fixture.reopenOrOpen();
    const timeline = fixture.timeline();
    for (let round = 0; round < 5; round += 1) {
      await fill(timeline, 60, `${round}:`);
      let isDropped = false;
      const lengths = new Set<number>();
      const readers = [timeline, other.timeline('timeline')].map(async (each) => {
        while (!isDropped) {
          const { entries } = await each.read({ limit: 100 });
          lengths.add(entries.length);
          await new Promise((resolve) => setImmediate(resolve));
        }
      });
      await timeline.drop();
      isDropped = true;
      await Promise.all(readers);
      for (const length of lengths) assert.ok(length === 0 || length === 60, `a page had ${length} of 60 entries`);
    }
  });

  test('after many drops, every cursor of each earlier life is refused', ['drop'], async (fixture) => {
    const timeline = fixture.timeline();
    const cursors: Cursor[] = [];
    const epochs = new Set<string>();
    for (let life = 0; life < 12; life += 1) {
      for (const cursor of cursors) await rejects(timeline.read({ after: cursor }), 'TIMELINE_EPOCH_CHANGED');
      cursors.push((await fill(timeline, 2)).at(-1)!.cursor);
      epochs.add((await timeline.head()).epoch);
      assert.equal((await readAll(timeline)).length, 2);
      await timeline.drop();
    }
    assert.equal(epochs.size, 12);
  });

  test('it stays dropped after a restart', ['drop', 'reopen'], async (fixture) => {
    const { old } = await droppedTimeline(fixture);
    const { epoch } = await fixture.timeline().head();
    await fixture.timeline('beside').append('m');
    await fixture.restart();
    await assertRefused(fixture.store, old[4]!.cursor);
    assert.equal((await fixture.timeline().head()).epoch, epoch);
    await fill(fixture.timeline(), 6, 'new');
    await fixture.restart();
    await assertRefused(fixture.store, old[4]!.cursor);
    assert.equal((await readAll(fixture.timeline())).length, 6);
  });

  test('expiry of everything later changes nothing', ['drop', 'ttl'], async (fixture) => {
    const timeline = (await fixture.openExpiring()).timeline('timeline');
    const old = await fill(timeline, 3);
    await timeline.drop();
    const [added] = await fill(timeline, 1, 'new');
    fixture.time += 3 * fixture.ttlMs;
    await rejects(timeline.read({ after: old[0]!.cursor }), 'TIMELINE_EPOCH_CHANGED');
    assert.deepEqual((await timeline.read({ after: added!.cursor })).entries, []);
    assert.equal((await timeline.head()).lastSeqId, added?.seqId);
  });

  test('its entries are removed physically', ['drop', 'physicalEntries'], async (fixture) => {
    await fill(fixture.timeline(), 200);
    await fixture.timeline().drop();
    await fixture.timeline().append('new');
    await fixture.untilPhysically(1, LIBRARY, 'timeline');
  });

  test('other processes see it dropped, and their subscriptions end', ['drop', 'fork'], async (fixture) => {
    const [store, child] = await Promise.all([fixture.open({ now: Date.now }), fixture.fork()]);
    const timeline = store.timeline('timeline');
    const old = await fill(timeline, 3);
    const mine = caughtUp(timeline);
    await Promise.all([child.subscribe('timeline'), mine.waits]);
    await timeline.drop();
    await until('the end in the child', () => child.ended.get('timeline') === 'TIMELINE_EPOCH_CHANGED', 15_000);
    await rejects(mine.ended, 'TIMELINE_EPOCH_CHANGED');
    const [added] = await child.append('timeline', [{ message: 'new' }]);
    assert.equal(added?.code, undefined);
    assert.deepEqual(messages(await readAll(timeline)), ['new']);
    await child.drop('timeline');
    assert.deepEqual(await readAll(timeline), []);
    await rejects(timeline.read({ after: old[0]!.cursor }), 'TIMELINE_EPOCH_CHANGED');
  });
});
