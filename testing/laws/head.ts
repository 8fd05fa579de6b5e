import assert from 'node:assert/strict';
import type { AppendResult, Head, Page, ReadRange, Timeline, TimelineStore } from '../../src/types.js';
import { fill, seqIds, take } from '../assertions.js';
import type { Fixture } from '../fixture.js';
import { law } from '../law-group.js';
import type { Requirement } from '../needs.js';

/** A change by one store, and the SeqIds that it leaves of those appended before. */
interface Change {
  readonly does: string;
  readonly needs: readonly Requirement[];
  readonly expires?: boolean;
  run(timeline: Timeline<string>, all: readonly AppendResult[], fixture: Fixture): Promise<unknown>;
  readonly keepsFrom: number;
}

const COUNT = 6;
const LAST = COUNT - 1;

const CHANGES: readonly Change[] = [
  {
    does: 'trims some',
    needs: ['trim'],
    run: (timeline, all) => timeline.trim({ through: all[2]!.seqId }),
    keepsFrom: 3,
  },
  {
    does: 'trims all',
    needs: ['trim'],
    run: (timeline, all) => timeline.trim({ through: all[LAST]!.seqId }),
    keepsFrom: COUNT,
  },
  { does: 'keeps the newest', needs: ['trim'], run: (timeline) => timeline.trim({ keepLast: 1 }), keepsFrom: LAST },
  { does: 'keeps none', needs: ['trim'], run: (timeline) => timeline.trim({ keepLast: 0 }), keepsFrom: COUNT },
  {
    does: 'trims all and appends',
    needs: ['trim'],
    run: (timeline) => timeline.trim({ keepLast: 0 }).then(() => timeline.append('new')),
    keepsFrom: COUNT,
  },
  {
    does: 'appends and trims all but that',
    needs: ['trim'],
    run: (timeline) => timeline.append('new').then(() => timeline.trim({ keepLast: 1 })),
    keepsFrom: COUNT,
  },
  {
    does: 'lets all expire',
    needs: ['ttl'],
    expires: true,
    run: async (_, __, fixture) => {
      fixture.time += fixture.ttlMs + 1;
    },
    keepsFrom: COUNT,
  },
  {
    does: 'lets all expire and appends',
    needs: ['ttl'],
    expires: true,
    run: (timeline, _, fixture) => {
      fixture.time += fixture.ttlMs + 1;
      return timeline.append('new');
    },
    keepsFrom: COUNT,
  },
  {
    does: 'appends and lets all but that expire',
    needs: ['ttl'],
    expires: true,
    run: async (timeline, _, fixture) => {
      fixture.time += fixture.ttlMs / 2;
      await timeline.append('new');
      fixture.time += fixture.ttlMs / 2 + 1;
    },
    keepsFrom: COUNT,
  },
  { does: 'appends', needs: [], run: (timeline) => timeline.append('new'), keepsFrom: 0 },
  {
    does: 'deletes the first and the last',
    needs: ['delete'],
    run: (timeline, all) => timeline.delete(all[0]!.seqId).then(() => timeline.delete(all[LAST]!.seqId)),
    keepsFrom: 0,
  },
  {
    does: 'updates the first',
    needs: ['update'],
    run: (timeline, all) => timeline.update(all[0]!.seqId, 'edited'),
    keepsFrom: 0,
  },
];

/** Reads that show both ends of a Timeline, so that a store may remember them. */
async function readAround(timeline: Timeline<string>): Promise<void> {
  await timeline.head();
  await take(timeline.scan());
  await timeline.read({ after: 0n, limit: 2 });
  await timeline.latest();
}

/** Asserts what a page says of its Timeline, whose head is `now`. */
function assertAgrees(page: Page<string>, { after, before, reverse = false }: ReadRange, now: Head): void {
  const { entries, truncated, upToDate } = page;
  const { firstSeqId, lastSeqId } = page.head;
  const oldest = reverse ? entries.at(-1) : entries[0];
  const newest = reverse ? entries[0] : entries.at(-1);
  assert.ok(firstSeqId <= lastSeqId + 1n, 'a head that cannot be');
  assert.ok(firstSeqId <= now.firstSeqId, 'the first entry is said to be gone');
  assert.ok(lastSeqId <= now.lastSeqId, 'an entry beyond the tail');
  if (oldest) assert.ok(firstSeqId <= oldest.seqId, 'entries before the first');
  if (newest) assert.ok(lastSeqId >= newest.seqId, 'entries behind the last');
  if (truncated) assert.ok(firstSeqId > truncated.through, 'the first entry is among those removed');
  const showsFirst = reverse ? upToDate && after === undefined : after === undefined || truncated !== undefined;
  if (showsFirst && oldest) assert.equal(firstSeqId, oldest.seqId, 'the page begins with the first entry');
  const showsLast = before === undefined && (reverse || upToDate);
  if (showsLast) assert.equal(lastSeqId, now.lastSeqId, 'the page ends with the last entry');
}

async function assertPagesAgree(timeline: Timeline<string>, all: readonly AppendResult[], now: Head): Promise<void> {
  const [first, middle, last] = [all[0]!, all[3]!, all[LAST]!];
  for (const after of [undefined, 0n, first.cursor, middle.seqId, last.cursor]) {
    for (const before of [undefined, middle.cursor, last.cursor, last.seqId + 1n]) {
      for (const limit of [1, 100]) {
        for (const reverse of [false, true]) {
          const range = { after, before, limit, reverse };
          assertAgrees(await timeline.read(range), range, now);
        }
      }
    }
  }
}

export const head = law('Head', 'a head is that of the moment, and pages agree with theirs', (test) => {
  for (const { does, needs, expires, run, keepsFrom } of CHANGES) {
    const prepare = async (fixture: Fixture) => {
      const options = expires ? { name: 'expiring', ttlMs: fixture.ttlMs } : {};
      const timeline = (await fixture.open(options)).timeline('timeline');
      const others: TimelineStore<string>[] = [await fixture.reopenOrOpen(options), await fixture.open(options)];
      const all = await fill(timeline, COUNT);
      const other = others.map((store) => store.timeline('timeline'));
      await Promise.all(other.map(readAround));
      await run(timeline, all, fixture);
      return { timeline, all, other };
    };
    const firstKept = (all: readonly AppendResult[], now: Head) => all[keepsFrom]?.seqId ?? now.firstSeqId;

    test(`one store ${does}: the head that others read is the new one`, needs, async (fixture) => {
      const { timeline, all, other } = await prepare(fixture);
      const kept = seqIds((await timeline.read()).entries);
      const newest = await timeline.latest();
      for (const each of other) {
        const { firstSeqId, lastSeqId } = await each.head();
        assert.equal(firstSeqId, kept[0] ?? all[LAST]!.seqId + 1n, 'first');
        if (keepsFrom < COUNT) assert.equal(firstSeqId, all[keepsFrom]!.seqId, 'first kept');
        assert.equal(lastSeqId, newest?.seqId ?? all[LAST]!.seqId, 'last');
      }
    });

    test(`one store ${does}: the pages that others read agree with their heads`, needs, async (fixture) => {
      const { timeline, all, other } = await prepare(fixture);
      const now = await timeline.head();
      assert.equal(now.firstSeqId, firstKept(all, now));
      // Each read may teach a store what the next one needs.
      await assertPagesAgree(other[0]!, all, now);
      const page = await other[1]!.read({ after: 0n });
      assertAgrees(page, { after: 0n }, now);
      assert.deepEqual(page.truncated, keepsFrom === 0 ? undefined : { through: all[keepsFrom - 1]!.seqId });
    });
  }

  test('heads of many Timelines, some of them trimmed by another store', ['trim'], async (fixture) => {
    const ids = Array.from({ length: 150 }, (_, i) => `t${i}`);
    const other = await fixture.reopenOrOpen();
    for (let round = 0; round < 3; round++) await fixture.store.appendToMany(ids, `m${round}`);
    const before = await other.heads(ids);
    for (const [i, id] of ids.entries())
      if (i % 3 > 0) await fixture.timeline(id).trim({ keepLast: i % 3 === 1 ? 0 : 1 });
    const pages = await fixture.store.readBatch(ids.map((timeline) => ({ timeline })));
    const expected = before.map(({ lastSeqId }, i) => [pages[i]!.entries[0]?.seqId ?? lastSeqId + 1n, lastSeqId]);
    const after = await other.heads(ids);
    assert.deepEqual(
      after.map(({ firstSeqId, lastSeqId }) => [firstSeqId, lastSeqId]),
      expected,
    );
    const behind = await other.readBatch(ids.map((timeline) => ({ timeline, after: 0n })));
    for (const [i, page] of behind.entries()) assertAgrees(page, { after: 0n }, after[i]!);
  });

  test('a cursor of one store lies within the tail for another', [], async (fixture) => {
    const other = (await fixture.reopenOrOpen()).timeline('timeline');
    const all = await fill(fixture.timeline(), 3);
    await other.head();
    all.push(...(await fill(fixture.timeline(), 3)));
    const fresh = (await fixture.reopenOrOpen()).timeline('timeline');
    const before = all.at(-1)!.cursor;
    for (const timeline of [fresh, other]) {
      for (const reverse of [true, false]) {
        const { entries } = await timeline.read({ before, reverse, limit: 1 });
        assert.deepEqual(seqIds(entries), [reverse ? all.at(-2)!.seqId : all[0]!.seqId]);
      }
      assert.equal(await timeline.count({ after: all[1]!.cursor, before }), 3);
      assert.equal(await timeline.count({ before, atMost: 1 }), 1);
    }
  });

  test('heads and pages while another store appends and trims never go back', ['trim'], async (fixture) => {
    const other = (await fixture.reopenOrOpen()).timeline('timeline');
    await fill(fixture.timeline(), 3);
    let isWriting = true;
    const writing = (async () => {
      for (let round = 0; round < 20; round++) {
        await fixture.timeline().append(`m${round}`);
        await fixture.timeline().trim({ keepLast: round % 4 });
      }
    })().finally(() => {
      isWriting = false;
    });
    let [first, last] = [0n, 0n];
    while (isWriting) {
      // A store in memory answers without giving the writer a turn.
      await new Promise((resolve) => setImmediate(resolve));
      const { firstSeqId, lastSeqId } = await other.head();
      assert.ok(firstSeqId >= first && lastSeqId >= last, `${firstSeqId} to ${lastSeqId} after ${first} to ${last}`);
      [first, last] = [firstSeqId, lastSeqId];
      const page = await other.read({ after: 0n });
      assertAgrees({ ...page, upToDate: false }, { after: 0n }, await other.head());
    }
    await writing;
  });
});
