import assert from 'node:assert/strict';
import type { Cursor, Timeline } from '../../src/types.js';
import { assertGrowing, readAll, seqIds, take, until } from '../assertions.js';
import { law } from '../law-group.js';
import type { World } from '../world.js';

const WRITERS = 4;
const EACH = 75;

/** Several writers, each on a handle of its own, some by batch and some one by one; resolves when all have been answered. */
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
  world: World,
  open: () => Promise<{ timeline(id: string): Timeline<string> }>,
): Promise<Timeline<string>[]> {
  const stores = await Promise.all(Array.from({ length: WRITERS - 1 }, open));
  return [world.timeline(), ...stores.map((store) => store.timeline('timeline'))];
}

/** Reads on from the last id seen until `done`; the reads themselves are never awaited in step with the writers. */
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

/** A reader that only ever goes on from the last id it saw must end up with every entry. */
async function proveTailing(world: World, writers: readonly Timeline<string>[]): Promise<void> {
  let finished = false;
  const reading = tail(world.timeline(), () => finished);
  const written = await writeConcurrently(writers);
  finished = true;
  const seen = await reading;
  const stored = seqIds(await readAll(world.timeline()));
  assert.equal(new Set(written).size, WRITERS * EACH, 'two appends got the same id');
  assert.deepEqual(
    stored,
    [...written].sort((a, b) => (a < b ? -1 : 1)),
  );
  assertGrowing(seen, 'ids seen by the reader');
  assert.deepEqual(seen, stored, 'an entry appeared at or below an id already seen');
}

export const visibility = law('Visibility', 'once an id was seen, no smaller one appears', (test) => {
  test('a tailing reader misses nothing of what concurrent writers append', ['strictVisibility'], async (world) => {
    await proveTailing(world, await handles(world, () => world.open()));
  });

  test(
    'a tailing reader misses nothing of what writers on other adapters append',
    ['strictVisibility', 'reopen'],
    async (world) => {
      await proveTailing(world, await handles(world, () => world.reopen()));
    },
  );

  test('a subscriber gets every entry of concurrent writers once and in order', async (world) => {
    const subscription = take(world.timeline().subscribe(), WRITERS * EACH);
    const written = await writeConcurrently(await handles(world, () => world.open()));
    const received = seqIds(await subscription);
    assertGrowing(received, 'ids received');
    assert.deepEqual(new Set(received), new Set(written));
  });

  test('a subscriber gets every entry of writers on other adapters once and in order', ['reopen'], async (world) => {
    const subscription = take(world.timeline().subscribe(), WRITERS * EACH);
    const written = await writeConcurrently(await handles(world, () => world.reopen()));
    const received = seqIds(await subscription);
    assertGrowing(received, 'ids received');
    assert.deepEqual(new Set(received), new Set(written));
  });

  test('each later read of the whole begins with all that an earlier one saw', ['strictVisibility'], async (world) => {
    let finished = false;
    const writing = handles(world, () => world.open())
      .then(writeConcurrently)
      .finally(() => {
        finished = true;
      });
    let before: bigint[] = [];
    let reads = 0;
    await until('the writers finish', async () => {
      const seen = seqIds((await world.timeline().read({ limit: 1000 })).entries);
      assert.deepEqual(seen.slice(0, before.length), before);
      before = seen;
      reads += 1;
      return finished;
    });
    assert.ok(reads > 1);
    await writing;
  });

  test('nothing is ever added up to the last id that a head has shown', ['strictVisibility'], async (world) => {
    let finished = false;
    const writing = handles(world, () => world.open())
      .then(writeConcurrently)
      .finally(() => {
        finished = true;
      });
    const seen: { lastSeqId: bigint; ids: bigint[] }[] = [];
    await until('the writers finish', async () => {
      const { lastSeqId } = await world.timeline().head();
      seen.push({
        lastSeqId,
        ids: seqIds((await world.timeline().read({ before: lastSeqId + 1n, limit: 1000 })).entries),
      });
      return finished;
    });
    await writing;
    const stored = seqIds(await readAll(world.timeline()));
    for (const { lastSeqId, ids } of seen) {
      assert.deepEqual(
        ids,
        stored.filter((id) => id <= lastSeqId),
        `the head showed ${lastSeqId} before all below it was there`,
      );
    }
  });
});
