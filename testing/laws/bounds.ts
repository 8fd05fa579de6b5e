import assert from 'node:assert/strict';
import type { Timeline, TimelineEntry } from '../../src/types.js';
import { fill, messages, readAll, rejects, seqIds, take } from '../assertions.js';
import type { Fixture } from '../fixture.js';
import { law } from '../law-group.js';
import { type BoundForm, type BoundKind, rangeCases, readInPages } from '../range-matrix.js';

const LIMITS = [1, 2, 3, 6, 100];
const KINDS: readonly BoundKind[] = ['none', 'after', 'before', 'both'];
const FORMS: readonly BoundForm[] = ['SeqIds', 'cursors'];

/** Appends six entries, with gaps before, between and behind them if the adapter takes manual ids. */
async function timelineWithGaps(
  fixture: Fixture,
): Promise<{ timeline: Timeline<string>; entries: TimelineEntry<string>[] }> {
  const timeline = fixture.timeline();
  for (let index = 1n; index <= 6n; index += 1n) {
    await timeline.append(`m${index}`, fixture.capabilities.manualIds ? { seqId: index * 10n } : {});
  }
  return { timeline, entries: await readAll(timeline) };
}

function everyNth<T>({ options }: Fixture, cases: readonly T[]): T[] {
  const step = options.eachNthRange ?? 1;
  return cases.filter((_, i) => i % step === 0);
}

export const bounds = law('Bounds', 'both bounds are exclusive, and a page says where to continue', (test) => {
  for (const reverse of [false, true]) {
    const direction = reverse ? 'in reverse' : 'forward';
    for (const kind of KINDS) {
      for (const form of kind === 'none' ? (['SeqIds'] as const) : FORMS) {
        const given =
          kind === 'none' ? 'without bounds' : `with ${kind === 'both' ? 'both bounds' : `\`${kind}\``} as ${form}`;
        test(`read ${direction} ${given}, page by page with every limit`, async (fixture) => {
          const { timeline, entries } = await timelineWithGaps(fixture);
          for (const range of everyNth(fixture, rangeCases(entries, kind, form, reverse))) {
            for (const limit of LIMITS) {
              assert.deepEqual(
                await readInPages(timeline, range, limit),
                range.expected,
                `${range.label}, limit ${limit}`,
              );
            }
          }
        });
      }

      test(`scan and pages ${direction}, bounds: ${kind}, with every page size and limit`, async (fixture) => {
        const { timeline, entries } = await timelineWithGaps(fixture);
        for (const { range, expected, label } of everyNth(
          fixture,
          FORMS.flatMap((form) => rangeCases(entries, kind, form, reverse)),
        )) {
          for (const pageSize of [1, 4, 500]) {
            assert.deepEqual(
              seqIds(await take(timeline.scan({ ...range, pageSize }))),
              expected,
              `scan ${label}, pageSize ${pageSize}`,
            );
            const pages = await take(timeline.pages({ ...range, pageSize }));
            assert.deepEqual(
              seqIds(pages.flatMap((page) => page.entries)),
              expected,
              `pages ${label}, pageSize ${pageSize}`,
            );
            for (const limit of [1, 5]) {
              const limited = seqIds(await take(timeline.scan({ ...range, pageSize, limit })));
              assert.deepEqual(
                limited,
                expected.slice(0, limit),
                `scan ${label}, pageSize ${pageSize}, limit ${limit}`,
              );
            }
          }
        }
      });
    }
  }

  test('an empty page at the tail returns the cursor that came in', async (fixture) => {
    const { timeline, entries } = await timelineWithGaps(fixture);
    const { cursor } = entries.at(-1)!;
    const page = await timeline.read({ after: cursor });
    assert.deepEqual([page.entries, page.next, page.upToDate], [[], cursor, true]);
    await timeline.append('later');
    assert.deepEqual(messages((await timeline.read({ after: page.next })).entries), ['later']);
  });

  test('an empty page in reverse at the first entry returns the cursor that came in', async (fixture) => {
    const { timeline, entries } = await timelineWithGaps(fixture);
    const { cursor } = entries[0]!;
    const page = await timeline.read({ before: cursor, reverse: true });
    assert.deepEqual([page.entries, page.next, page.upToDate], [[], cursor, true]);
  });

  test('an empty page after a bare SeqId leads on from there', async (fixture) => {
    const { timeline, entries } = await timelineWithGaps(fixture);
    const page = await timeline.read({ after: entries.at(-1)!.seqId });
    assert.deepEqual([page.entries, page.upToDate], [[], true]);
    await timeline.append('later');
    assert.deepEqual(messages((await timeline.read({ after: page.next })).entries), ['later']);
  });

  test('the page of an empty Timeline leads to its first entry', async (fixture) => {
    const page = await fixture.timeline().read();
    assert.deepEqual([page.entries, page.upToDate], [[], true]);
    await fill(fixture.timeline(), 2);
    assert.deepEqual(messages((await fixture.timeline().read({ after: page.next })).entries), ['m1', 'm2']);
  });

  test('after beyond the tail is refused; before beyond the tail is not', async (fixture) => {
    const { timeline, entries } = await timelineWithGaps(fixture);
    const last = entries.at(-1)!.seqId;
    for (const after of [last + 1n, last + 1_000_000n, 2n ** 63n - 1n]) {
      const error = await rejects(timeline.read({ after }), 'TIMELINE_ROLLED_BACK');
      assert.equal(error.actual, last);
      await rejects(take(timeline.scan({ after })), 'TIMELINE_ROLLED_BACK');
      assert.equal((await timeline.read({ before: after })).entries.length, 6);
    }
  });

  test('without a limit a page holds 100 entries, scans hold all', async (fixture) => {
    await fill(fixture.timeline(), 250);
    const seen: string[] = [];
    for (let after: string | undefined, pages = 0; pages < 250; pages += 1) {
      const page = await fixture.timeline().read({ after });
      assert.ok(page.entries.length <= 100, `a page of ${page.entries.length}`);
      seen.push(...messages(page.entries));
      after = page.next;
      if (page.upToDate) break;
    }
    assert.equal(seen.length, 250);
    assert.deepEqual(messages(await take(fixture.timeline().scan())), seen);
  });

  test('a page carries the head of its Timeline', async (fixture) => {
    const { timeline, entries } = await timelineWithGaps(fixture);
    const { head } = await timeline.read({ limit: 1 });
    assert.deepEqual([head.firstSeqId, head.lastSeqId], [entries[0]?.seqId, entries.at(-1)?.seqId]);
    const { epoch, firstSeqId, lastSeqId } = await timeline.head();
    assert.deepEqual([head.epoch, head.firstSeqId, head.lastSeqId], [epoch, firstSeqId, lastSeqId]);
  });

  test('get finds the entry of exactly this SeqId', async (fixture) => {
    const { timeline, entries } = await timelineWithGaps(fixture);
    for (const { seqId, message } of entries) assert.equal((await timeline.get(seqId))?.message, message);
    const ids = seqIds(entries);
    for (const near of ids.flatMap((id) => [id - 1n, id + 1n]).filter((id) => id > 0n && !ids.includes(id))) {
      assert.equal(await timeline.get(near), undefined, `get(${near})`);
    }
  });
});
