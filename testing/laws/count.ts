import assert from 'node:assert/strict';
import type { CountOptions, Timeline } from '../../src/types.js';
import { fill, readAll, rejects, seqIds } from '../assertions.js';
import type { Fixture } from '../fixture.js';
import { law } from '../law-group.js';

/** Entries that a read of the range gives, without tombstones. */
async function readCount(timeline: Timeline<string>, { after, before, atMost }: CountOptions): Promise<number> {
  let count = 0;
  for await (const page of timeline.pages({ after, before })) {
    count += page.entries.filter(({ deleted }) => !deleted).length;
  }
  return Math.min(count, atMost ?? count);
}

/** Ranges between all given SeqIds and around them, with and without a limit. */
function rangesOver(ids: readonly bigint[]): CountOptions[] {
  const bounds = [undefined, 0n, ...ids];
  return bounds.flatMap((after) =>
    [undefined, ...ids, ids.at(-1)! + 5n].flatMap((before) =>
      [undefined, 1, 3].map((atMost): CountOptions => ({ after, before, atMost })),
    ),
  );
}

/** Compares all ranges, each alone or all in one batch. */
async function assertCounts(fixture: Fixture, ids: readonly bigint[], timeline = fixture.timeline()): Promise<void> {
  const ranges = rangesOver(ids);
  const read = await Promise.all(ranges.map((range) => readCount(timeline, range)));
  const counts = await fixture.store.countBatch(ranges.map((range) => ({ timeline: timeline.id, ...range })));
  for (const [i, { after, before, atMost }] of ranges.entries())
    assert.equal(counts[i], read[i], `after ${after}, before ${before}, at most ${atMost}`);
}

export const count = law('Count', 'a count equals what a read gives', (test) => {
  test('of every range, up to its limit', async (fixture) => {
    await assertCounts(fixture, seqIds(await fill(fixture.timeline(), 7)));
    assert.equal(await fixture.timeline().count(), 7);
    assert.equal(await fixture.timeline().count({ atMost: 7 }), 7);
    assert.equal(await fixture.timeline().count({ atMost: 6 }), 6);
  });

  test('deleted entries do not count, and those behind them do', ['delete'], async (fixture) => {
    const ids = seqIds(await fill(fixture.timeline(), 9));
    for (const index of [0, 3, 4, 8]) await fixture.timeline().delete(ids[index]!);
    await assertCounts(fixture, ids);
    assert.equal(await fixture.timeline().count({ after: ids[2]!, atMost: 2 }), 2);
  });

  test('updated entries count, once', ['update', 'delete'], async (fixture) => {
    const ids = seqIds(await fill(fixture.timeline(), 6));
    for (const index of [1, 2, 5]) await fixture.timeline().update(ids[index]!, '');
    await fixture.timeline().delete(ids[2]!);
    await assertCounts(fixture, ids);
  });

  test('trimmed entries do not count', ['trim'], async (fixture) => {
    const ids = seqIds(await fill(fixture.timeline(), 8));
    await fixture.timeline().trim({ through: ids[2]! });
    await assertCounts(fixture, ids);
    assert.equal(await fixture.timeline().count({ after: 0n }), 5);
    await fixture.timeline().trim({ keepLast: 0 });
    assert.equal(await fixture.timeline().count(), 0);
    assert.equal(await fixture.timeline().count({ after: ids[1]! }), 0);
  });

  test('a trim through a deleted entry', ['trim', 'delete'], async (fixture) => {
    const ids = seqIds(await fill(fixture.timeline(), 8));
    for (const index of [2, 3, 6]) await fixture.timeline().delete(ids[index]!);
    await fixture.timeline().trim({ through: ids[2]! });
    await assertCounts(fixture, ids);
  });

  test('expired entries do not count', ['ttl'], async (fixture) => {
    const timeline = (await fixture.openExpiring()).timeline('timeline');
    const old = seqIds(await fill(timeline, 4));
    fixture.time += fixture.ttlMs / 2;
    const kept = seqIds(await fill(timeline, 3));
    assert.equal(await timeline.count(), 7);
    fixture.time += fixture.ttlMs / 2 + 1;
    for (const range of [{}, { after: old[1]! }, { before: kept[2]! }, { after: kept[0]! }, { atMost: 2 }])
      assert.equal(await timeline.count(range), await readCount(timeline, range));
    assert.equal(await timeline.count(), 3);
    fixture.time += fixture.ttlMs;
    assert.equal(await timeline.count(), 0);
  });

  test('SeqIds that were left out do not count', ['manualIds', 'delete'], async (fixture) => {
    const ids = [3n, 10n, 11n, 500n, 2n ** 55n];
    for (const seqId of ids) await fixture.timeline().append('m', { seqId });
    const { seqId } = await fixture.timeline().append('next');
    await assertCounts(fixture, [...ids, seqId]);
    await fixture.timeline().delete(11n);
    await assertCounts(fixture, [...ids, seqId]);
  });

  test('more entries than one page holds, with deleted ones among them', async (fixture) => {
    const many = 2500;
    for (let appended = 0; appended < many; appended += 500) await fill(fixture.timeline(), 500);
    assert.equal(await fixture.timeline().count(), many);
    if (!fixture.capabilities.delete) return;
    const ids = seqIds(await readAll(fixture.timeline()));
    for (const index of [0, 999, 1000, 2001]) await fixture.timeline().delete(ids[index]!);
    assert.equal(await fixture.timeline().count(), many - 4);
    assert.equal(await fixture.timeline().count({ atMost: 2400 }), 2400);
    assert.equal(await fixture.timeline().count({ after: ids[500]!, atMost: 999 }), 999);
    assert.equal(await fixture.timeline().count({ after: ids[2000]! }), many - 2002);
  });

  test('bodies do not matter: large, empty and undecodable ones count', async (fixture) => {
    const raw = await fixture.open<string>({
      codec: { encode: (message) => message, decode: () => assert.fail('a count decodes no body') },
    });
    const size = Math.min(fixture.capabilities.maxBodyBytes, 300_000);
    for (const message of ['', 'x'.repeat(size), 'not JSON']) await raw.timeline('raw').append(message);
    assert.equal(await raw.timeline('raw').count(), 3);
    assert.deepEqual(await raw.countBatch([{ timeline: 'raw', atMost: 2 }]), [2]);
  });

  test('a batch answers in its order, also for Timelines never written to', async (fixture) => {
    await fill(fixture.timeline('a'), 2);
    const [first] = await fill(fixture.timeline('b'), 5);
    const items = [{ timeline: 'b', after: first!.cursor }, { timeline: 'none' }, { timeline: 'a' }, { timeline: 'b' }];
    assert.deepEqual(await fixture.store.countBatch(items), [4, 0, 2, 5]);
    assert.deepEqual(await fixture.store.countBatch([]), []);
    assert.equal(await fixture.timeline('none').count({ after: 0n, before: 10n }), 0);
  });

  test('a position that a read refuses is refused', async (fixture) => {
    const [entry] = await fill(fixture.timeline('a'), 2);
    await fill(fixture.timeline('b'), 2);
    const after = 2n ** 62n;
    const error = await rejects(
      fixture.store.countBatch([{ timeline: 'a' }, { timeline: 'b', after }]),
      'TIMELINE_ROLLED_BACK',
    );
    assert.equal(error.timeline, 'b');
    await rejects(fixture.timeline('b').count({ after: entry!.cursor }), 'TIMELINE_INVALID_CURSOR');
    assert.equal(await fixture.timeline('a').count({ before: after }), 2);
  });

  test('an empty range counts nothing', async (fixture) => {
    const ids = seqIds(await fill(fixture.timeline(), 4));
    for (const [after, before] of [
      [ids[1]!, ids[1]!],
      [ids[1]!, ids[2]!],
      [ids[2]!, ids[0]!],
      [ids[3]!, undefined],
      [undefined, ids[0]!],
    ] as const)
      assert.equal(await fixture.timeline().count({ after, before }), 0, `after ${after}, before ${before}`);
  });
});
