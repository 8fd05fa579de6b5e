import assert from 'node:assert/strict';
import type { AppendResult, Timeline } from '../../src/types.js';
import { fill, messages, rejects, seqIds, take, until } from '../assertions.js';
import type { Fixture } from '../fixture.js';
import { law } from '../law-group.js';

/** Appends ten entries and trims the first `cut`. */
async function trimmedTimeline(
  fixture: Fixture,
  cut = 4,
): Promise<{ timeline: Timeline<string>; all: AppendResult[] }> {
  const timeline = fixture.timeline();
  const all = await fill(timeline, 10);
  await timeline.trim({ through: all[cut - 1]!.seqId });
  return { timeline, all };
}

export const truncation = law('Truncation', 'a reader is told of removed entries', (test) => {
  test('a read from behind the cut says how far entries are gone', ['trim'], async (fixture) => {
    const { timeline, all } = await trimmedTimeline(fixture);
    for (const after of [all[0]!.cursor, all[2]!.cursor, all[1]!.seqId, 0n]) {
      const page = await timeline.read({ after });
      assert.deepEqual(page.truncated, { through: all[3]?.seqId }, `after ${after}`);
      assert.deepEqual(seqIds(page.entries), seqIds(all.slice(4)));
    }
  });

  test('a read from the cut, beyond it or without a position reports no truncation', ['trim'], async (fixture) => {
    const { timeline, all } = await trimmedTimeline(fixture);
    for (const after of [all[3]!.cursor, all[3]!.seqId, all[6]!.cursor, undefined]) {
      assert.equal((await timeline.read({ after })).truncated, undefined, `after ${after}`);
    }
    assert.equal((await timeline.read({ before: all[2]!.cursor, reverse: true })).truncated, undefined);
    assert.deepEqual(seqIds((await timeline.read()).entries), seqIds(all.slice(4)));
  });

  test('a read in reverse down to a position behind the cut is told too', ['trim'], async (fixture) => {
    const { timeline, all } = await trimmedTimeline(fixture);
    const page = await timeline.read({ after: all[0]!.cursor, reverse: true });
    assert.deepEqual(page.truncated, { through: all[3]?.seqId });
    assert.deepEqual(seqIds(page.entries), seqIds(all.slice(4)).reverse());
  });

  test('a read from behind a cut that took everything is told', ['trim'], async (fixture) => {
    const { timeline, all } = await trimmedTimeline(fixture, 10);
    const page = await timeline.read({ after: all[2]!.cursor });
    assert.deepEqual([page.entries, page.truncated], [[], { through: all[9]?.seqId }]);
    assert.equal((await timeline.read({ after: all[9]!.cursor })).truncated, undefined);
    const { firstSeqId, lastSeqId } = await timeline.head();
    assert.deepEqual([firstSeqId, lastSeqId], [all[9]!.seqId + 1n, all[9]!.seqId]);
  });

  test('each range of a batch is told for itself', ['trim'], async (fixture) => {
    const { all } = await trimmedTimeline(fixture);
    const other = await fill(fixture.timeline('other'), 2);
    const pages = await fixture.store.readBatch([
      { timeline: 'timeline', after: all[0]!.cursor },
      { timeline: 'other', after: other[0]!.cursor },
      { timeline: 'timeline', after: all[5]!.cursor },
    ]);
    assert.deepEqual(
      pages.map((page) => page.truncated),
      [{ through: all[3]?.seqId }, undefined, undefined],
    );
  });

  test('keepLast keeps the newest', ['trim'], async (fixture) => {
    const all = await fill(fixture.timeline(), 10);
    await fixture.timeline().trim({ keepLast: 3 });
    assert.deepEqual(seqIds((await fixture.timeline().read()).entries), seqIds(all.slice(7)));
    assert.deepEqual((await fixture.timeline().read({ after: all[0]!.cursor })).truncated, { through: all[6]?.seqId });
    assert.equal((await fixture.timeline().head()).firstSeqId, all[7]?.seqId);
  });

  test(
    'a cut between two ids tells of the entries that it took, and of no others',
    ['trim', 'manualIds'],
    async (fixture) => {
      const timeline = fixture.timeline();
      for (const seqId of [10n, 20n, 30n]) await timeline.append(`m${seqId}`, { seqId });
      await timeline.trim({ through: 5n });
      assert.equal((await timeline.read({ after: 0n })).truncated, undefined, 'nothing was there to trim');
      await timeline.trim({ through: 15n });
      assert.deepEqual((await timeline.read({ after: 0n })).truncated, { through: 10n });
      for (const after of [10n, 12n, 15n, 20n])
        assert.equal((await timeline.read({ after })).truncated, undefined, `after ${after}`);
      assert.deepEqual(seqIds(await take(timeline.scan({ after: 12n }))), [20n, 30n]);
      assert.equal((await timeline.head()).firstSeqId, 20n);
    },
  );

  test('get does not return trimmed entries, and a smaller trim restores none', ['trim'], async (fixture) => {
    const { timeline, all } = await trimmedTimeline(fixture);
    await timeline.trim({ through: all[1]!.seqId });
    await timeline.trim({ keepLast: 100 });
    assert.equal(await timeline.get(all[3]!.seqId), undefined);
    assert.equal((await timeline.get(all[4]!.seqId))?.message, 'm5');
    assert.deepEqual((await timeline.read({ after: all[0]!.cursor })).truncated, { through: all[3]?.seqId });
  });

  test(
    'a scan from behind the cut throws, one without position starts at the oldest kept',
    ['trim'],
    async (fixture) => {
      const { timeline, all } = await trimmedTimeline(fixture);
      const error = await rejects(take(timeline.scan({ after: all[1]!.cursor })), 'TIMELINE_TRUNCATED');
      assert.equal(error.through, all[3]?.seqId);
      assert.deepEqual(seqIds(await take(timeline.scan({ after: all[3]!.cursor }))), seqIds(all.slice(4)));
      assert.deepEqual(seqIds(await take(timeline.scan())), seqIds(all.slice(4)));
    },
  );

  test('pages hand the news to the caller', ['trim'], async (fixture) => {
    const { timeline, all } = await trimmedTimeline(fixture);
    const pages = await take(timeline.pages({ after: all[1]!.cursor, pageSize: 4 }));
    assert.deepEqual(pages[0]?.truncated, { through: all[3]?.seqId });
    assert.deepEqual(seqIds(pages.flatMap((page) => page.entries)), seqIds(all.slice(4)));
  });

  test('a scan that a trim overtakes throws rather than jump', ['trim'], async (fixture) => {
    const all = await fill(fixture.timeline(), 10);
    const seen: bigint[] = [];
    const scanning = (async () => {
      for await (const { seqId } of fixture.timeline().scan({ pageSize: 2 })) {
        seen.push(seqId);
        if (seen.length === 2) await fixture.timeline().trim({ through: all[6]!.seqId });
      }
    })();
    assert.equal((await rejects(scanning, 'TIMELINE_TRUNCATED')).through, all[6]?.seqId);
    assert.deepEqual(seen, seqIds(all.slice(0, seen.length)));
  });

  test('a subscription from behind the cut throws, or goes on with onTruncated', ['trim'], async (fixture) => {
    const { timeline, all } = await trimmedTimeline(fixture);
    const error = await rejects(take(timeline.subscribe({ after: all[1]!.cursor }), 1), 'TIMELINE_TRUNCATED');
    assert.equal(error.through, all[3]?.seqId);
    const told: bigint[] = [];
    const stream = timeline.subscribe({ after: all[1]!.cursor, onTruncated: ({ through }) => told.push(through) });
    assert.deepEqual(seqIds(await take(stream, 6)), seqIds(all.slice(4)));
    assert.deepEqual(told, [all[3]?.seqId]);
  });

  test('a waiting subscription that a trim overtakes is told once', ['trim'], async (fixture) => {
    let wake = () => {};
    const watch = (_: string, ring: () => void) => {
      wake = ring;
      return () => {};
    };
    const timeline = (await fixture.openDecorated(() => ({ watch }), { pollMs: 60_000 })).timeline('timeline');
    await timeline.append('first');
    const told: bigint[] = [];
    let waiting = false;
    const onCaughtUp = () => {
      waiting = true;
    };
    const received = take(timeline.subscribe({ onTruncated: ({ through }) => told.push(through), onCaughtUp }), 2);
    await until('the subscription waits', () => waiting);
    const { seqId } = await timeline.append('missed');
    await timeline.trim({ through: seqId });
    await timeline.append('kept');
    wake();
    assert.deepEqual(messages(await received), ['first', 'kept']);
    assert.deepEqual(told, [seqId]);
  });

  test('expired entries are told of like trimmed ones', ['ttl'], async (fixture) => {
    const timeline = (await fixture.openExpiring()).timeline('timeline');
    const old = await fill(timeline, 3);
    fixture.time += fixture.ttlMs + 1;
    const kept = await timeline.append('kept');
    const page = await timeline.read({ after: old[0]!.cursor });
    assert.deepEqual([seqIds(page.entries), page.truncated], [[kept.seqId], { through: old[2]?.seqId }]);
    assert.equal((await timeline.read({ after: old[2]!.cursor })).truncated, undefined);
    assert.equal(
      (await rejects(take(timeline.scan({ after: old[0]!.cursor })), 'TIMELINE_TRUNCATED')).through,
      old[2]?.seqId,
    );
  });

  test('a deletion is no truncation', ['delete'], async (fixture) => {
    const all = await fill(fixture.timeline(), 3);
    await fixture.timeline().delete(all[0]!.seqId);
    await fixture.timeline().delete(all[1]!.seqId);
    const page = await fixture.timeline().read({ after: 0n });
    assert.deepEqual([page.entries.length, page.truncated], [3, undefined]);
  });
});
