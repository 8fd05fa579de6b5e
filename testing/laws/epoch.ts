import assert from 'node:assert/strict';
import { encodeCursor } from '../../src/cursor.js';
import { TimelineRef } from '../../src/timeline-id.js';
import type { Cursor, ReadRange, Timeline } from '../../src/types.js';
import { fill, messages, rejects, seqIds, take } from '../assertions.js';
import { Fixture, LIBRARY } from '../fixture.js';
import { law } from '../law-group.js';

/** Returns a cursor of the same Timeline in another epoch. */
async function foreignCursor(fixture: Fixture): Promise<Cursor> {
  const elsewhere = await Fixture.create(fixture.options);
  try {
    return (await fill(elsewhere.timeline(), 2)).at(-1)!.cursor;
  } finally {
    await elsewhere.dispose();
  }
}

async function cursorAt(timeline: Timeline<string>, seqId: bigint): Promise<Cursor> {
  return encodeCursor(new TimelineRef(LIBRARY, timeline.id), (await timeline.head()).epoch, seqId);
}

/** All calls that read from a bound. */
const readers = (timeline: Timeline<string>, range: ReadRange): [string, () => Promise<unknown>][] => [
  ['read', () => timeline.read(range)],
  ['reverse read', () => timeline.read({ ...range, reverse: true })],
  ['scan', () => take(timeline.scan(range))],
  ['pages', () => take(timeline.pages(range))],
];

export const epoch = law('Epoch', 'a cursor of other data or beyond the tail is refused', (test) => {
  test('a cursor of another epoch is refused as `after` and as `before`', async (fixture) => {
    const cursor = await foreignCursor(fixture);
    await fill(fixture.timeline(), 5);
    for (const range of [{ after: cursor }, { before: cursor }]) {
      for (const [name, run] of readers(fixture.timeline(), range)) {
        const error = await rejects(run(), 'TIMELINE_EPOCH_CHANGED').catch((reason: Error) => {
          reason.message = `${name}: ${reason.message}`;
          throw reason;
        });
        assert.equal(error.outcome, 'not-applied');
      }
    }
    await rejects(take(fixture.timeline().subscribe({ after: cursor }), 1), 'TIMELINE_EPOCH_CHANGED');
  });

  test('a cursor into data that is lost altogether is refused', async (fixture) => {
    const cursor = await foreignCursor(fixture);
    await rejects(fixture.timeline().read({ after: cursor }), 'TIMELINE_EPOCH_CHANGED', 'TIMELINE_ROLLED_BACK');
    await rejects(
      take(fixture.timeline().subscribe({ after: cursor }), 1),
      'TIMELINE_EPOCH_CHANGED',
      'TIMELINE_ROLLED_BACK',
    );
  });

  test('a cursor beyond the tail is refused with the tail', async (fixture) => {
    const timeline = fixture.timeline();
    const last = (await fill(timeline, 3)).at(-1)!.seqId;
    const cursor = await cursorAt(timeline, last + 1n);
    for (const range of [{ after: cursor }, { before: cursor }]) {
      for (const [name, run] of readers(timeline, range)) {
        assert.equal((await rejects(run(), 'TIMELINE_ROLLED_BACK')).actual, last, name);
      }
    }
    await rejects(take(timeline.subscribe({ after: cursor }), 1), 'TIMELINE_ROLLED_BACK');
  });

  test('a bare SeqId in a Timeline never written to is refused, but 0n is its beginning', async (fixture) => {
    await rejects(fixture.timeline().read({ after: 5n }), 'TIMELINE_ROLLED_BACK');
    assert.deepEqual((await fixture.timeline().read({ after: 0n })).entries, []);
  });

  test('a batch is refused for one bad cursor, and names its Timeline', async (fixture) => {
    const cursor = await foreignCursor(fixture);
    const [good] = await fill(fixture.timeline('other'), 1);
    await fill(fixture.timeline(), 1);
    const batch = fixture.store.readBatch([
      { timeline: 'other', after: good!.cursor },
      { timeline: 'timeline', after: cursor },
    ]);
    assert.equal((await rejects(batch, 'TIMELINE_EPOCH_CHANGED')).timeline, 'timeline');
  });

  test('a cursor of another Timeline is refused', async (fixture) => {
    const [mine] = await fill(fixture.timeline('mine'), 2);
    await fill(fixture.timeline('other'), 5);
    await rejects(fixture.timeline('other').read({ after: mine!.cursor }), 'TIMELINE_INVALID_CURSOR');
    await rejects(fixture.timeline('other').read({ before: mine!.cursor }), 'TIMELINE_INVALID_CURSOR');
  });

  test('a value that is not a cursor is refused', async (fixture) => {
    const [first] = await fill(fixture.timeline(), 1);
    for (const text of ['', 'cursor', '1.2', first!.cursor.slice(1), `${first!.cursor}x`, `${first!.cursor}\n`]) {
      await rejects(fixture.timeline().read({ after: text }), 'TIMELINE_INVALID_CURSOR');
    }
  });

  test('a cursor taken before the first append is good afterwards', async (fixture) => {
    const { next } = await fixture.timeline().read();
    await fill(fixture.timeline(), 2);
    assert.deepEqual(messages((await fixture.timeline().read({ after: next })).entries), ['m1', 'm2']);
  });

  test('appends, trims and deletions leave the epoch as it is', ['trim', 'delete'], async (fixture) => {
    const timeline = fixture.timeline();
    const all = await fill(timeline, 4);
    const { epoch: first } = await timeline.head();
    assert.notEqual(first, '');
    await timeline.delete(all[3]!.seqId);
    await timeline.trim({ through: all[3]!.seqId });
    assert.equal((await timeline.head()).epoch, first);
    await timeline.append('next');
    assert.equal((await timeline.head()).epoch, first);
    assert.deepEqual(messages((await timeline.read({ after: all[3]!.cursor })).entries), ['next']);
  });

  test('expiry of everything leaves the epoch as it is', ['ttl'], async (fixture) => {
    const timeline = (await fixture.openExpiring()).timeline('timeline');
    const all = await fill(timeline, 2);
    const { epoch: first } = await timeline.head();
    fixture.time += 3 * fixture.ttlMs;
    assert.equal((await timeline.head()).epoch, first);
    assert.deepEqual((await timeline.read({ after: all[1]!.cursor })).entries, []);
  });

  test('a restart leaves the epoch as it is, and cursors good', ['reopen'], async (fixture) => {
    const all = await fill(fixture.timeline(), 3);
    const { epoch: first } = await fixture.timeline().head();
    await fixture.restart();
    assert.equal((await fixture.timeline().head()).epoch, first);
    assert.deepEqual(seqIds((await fixture.timeline().read({ after: all[0]!.cursor })).entries), seqIds(all.slice(1)));
  });
});
