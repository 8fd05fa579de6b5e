import assert from 'node:assert/strict';
import type { Cursor, Timeline } from '../../src/types.js';
import { assertGrowing, readAll, seqIds, take, until } from '../assertions.js';
import type { Fixture } from '../fixture.js';
import { law } from '../law-group.js';

const WRITERS = 4;
const EACH = 75;

/** Appends on each handle concurrently, some in batches and some one by one; returns all SeqIds. */
async function writeConcurrently(handles: readonly Timeline<string>[]): Promise<bigint[]> {
  const ids: bigint[] = [];
  const writer = async (timeline: Timeline<string>, name: number) => {
    for (let written = 0; written < EACH; ) {
      const burst = Math.min(EACH - written, (name + written) % 2 === 0 ? 1 : 5);
      const results = await Promise.all(
        Array.from({ length: burst }, (_, index) => timeline.append(`${name}:${written + index}`)),
      );
      ids.push(...seqIds(results));
      written += burst;
    }
  };
  await Promise.all(handles.map(writer));
  return ids;
}

async function handles(
  fixture: Fixture,
  open: () => Promise<{ timeline(id: string): Timeline<string> }>,
): Promise<Timeline<string>[]> {
  const stores = await Promise.all(Array.from({ length: WRITERS - 1 }, open));
  return [fixture.timeline(), ...stores.map((store) => store.timeline('timeline'))];
}

/** Reads on from the last id seen until `done`, out of step with the writers. */
async function tail(timeline: Timeline<string>, done: () => boolean): Promise<bigint[]> {
  const seen: bigint[] = [];
  let after: Cursor | undefined;
  for (let last = false; ; last = done()) {
    const page = await timeline.read({ ...(after === undefined ? {} : { after }), limit: 7 });
    seen.push(...seqIds(page.entries));
    if (page.entries.length > 0) after = page.next;
    if (last && page.upToDate) return seen;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Checks that a reader that only reads on from the last id sees every entry. */
async function assertTailSeesAll(fixture: Fixture, writers: readonly Timeline<string>[]): Promise<void> {
  let finished = false;
  const reading = tail(fixture.timeline(), () => finished);
  const written = await writeConcurrently(writers);
  finished = true;
  const seen = await reading;
  const stored = seqIds(await readAll(fixture.timeline()));
  assert.equal(new Set(written).size, WRITERS * EACH, 'two appends got the same id');
  assert.deepEqual(
    stored,
    [...written].sort((a, b) => (a < b ? -1 : 1)),
  );
  assertGrowing(seen, 'ids seen by the reader');
  assert.deepEqual(seen, stored, 'an entry appeared at or below an id already seen');
}

export const visibility = law('Visibility', 'once an id was seen, no smaller one appears', (test) => {
  test('a tailing reader misses no entry of concurrent writers', ['strictVisibility'], async (fixture) => {
    await assertTailSeesAll(fixture, await handles(fixture, () => fixture.open()));
  });

  test(
    'a tailing reader misses nothing of what writers on other adapters append',
    ['strictVisibility', 'reopen'],
    async (fixture) => {
      await assertTailSeesAll(fixture, await handles(fixture, () => fixture.reopen()));
    },
  );

  test('a subscriber gets every entry of concurrent writers once and in order', async (fixture) => {
    const subscription = take(fixture.timeline().subscribe(), WRITERS * EACH);
    const written = await writeConcurrently(await handles(fixture, () => fixture.open()));
    const received = seqIds(await subscription);
    assertGrowing(received, 'ids received');
    assert.deepEqual(new Set(received), new Set(written));
  });

  test('a subscriber gets every entry of writers on other adapters once and in order', ['reopen'], async (fixture) => {
    const subscription = take(fixture.timeline().subscribe(), WRITERS * EACH);
    const written = await writeConcurrently(await handles(fixture, () => fixture.reopen()));
    const received = seqIds(await subscription);
    assertGrowing(received, 'ids received');
    assert.deepEqual(new Set(received), new Set(written));
  });

  test(
    'each later read of the whole begins with all that an earlier one saw',
    ['strictVisibility'],
    async (fixture) => {
      let finished = false;
      const writing = handles(fixture, () => fixture.open())
        .then(writeConcurrently)
        .finally(() => {
          finished = true;
        });
      let before: bigint[] = [];
      let reads = 0;
      await until('the writers finish', async () => {
        const seen = seqIds((await fixture.timeline().read({ limit: 1000 })).entries);
        assert.deepEqual(seen.slice(0, before.length), before);
        before = seen;
        reads += 1;
        return finished;
      });
      assert.ok(reads > 1);
      await writing;
    },
  );

  test('nothing is ever added up to the last id that a head has shown', ['strictVisibility'], async (fixture) => {
    let finished = false;
    const writing = handles(fixture, () => fixture.open())
      .then(writeConcurrently)
      .finally(() => {
        finished = true;
      });
    const seen: { lastSeqId: bigint; ids: bigint[] }[] = [];
    await until('the writers finish', async () => {
      const { lastSeqId } = await fixture.timeline().head();
      seen.push({
        lastSeqId,
        ids: seqIds((await fixture.timeline().read({ before: lastSeqId + 1n, limit: 1000 })).entries),
      });
      return finished;
    });
    await writing;
    const stored = seqIds(await readAll(fixture.timeline()));
    for (const { lastSeqId, ids } of seen) {
      assert.deepEqual(
        ids,
        stored.filter((id) => id <= lastSeqId),
        `the head showed ${lastSeqId} before all below it was there`,
      );
    }
  });
});
