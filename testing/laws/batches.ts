import assert from 'node:assert/strict';
import type { AdapterLibrary } from '../../src/adapter.js';
import type { AppendResult } from '../../src/types.js';
import { fill, messages, readAll, rejects, seqIds, succeeded } from '../assertions.js';
import { law } from '../law-group.js';
import type { World } from '../world.js';

const numbered = (count: number, prefix = 'm') => Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);

/** The library as the adapter gives it, for what the core would not pass on. */
async function libraryOf(world: World): Promise<AdapterLibrary> {
  let library: AdapterLibrary | undefined;
  await world.openDecorated((opened) => {
    library = opened;
    return {};
  });
  return library!;
}

const soon = () => ({ deadline: performance.now() + 30_000 });

export const batches = law('Batches', 'many Timelines are written and read in one call', (test) => {
  test('outcomes come in the order of the items', async (world) => {
    const items = numbered(200).map((message, index) => ({ timeline: `t${(index * 13) % 17}`, message }));
    const outcomes = (await world.store.appendBatch(items)).map(succeeded);
    assert.equal(outcomes.length, 200);
    for (const [index, { seqId }] of outcomes.entries()) {
      const entry = await world.timeline(items[index]!.timeline).get(seqId);
      assert.equal(entry?.message, items[index]?.message);
    }
  });

  test('an item that fails leaves the others as they are', ['keys'], async (world) => {
    await world.timeline('a').append('used', { key: 'k' });
    const outcomes = await world.store.appendBatch([
      { timeline: 'a', message: 'one' },
      { timeline: 'a', message: 'other', key: 'k' },
      { timeline: 'b', message: 'x'.repeat(world.capabilities.maxBodyBytes) },
      { timeline: 'b', message: 'two' },
    ]);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.ok || outcome.error.code),
      [true, 'TIMELINE_KEY_CONFLICT', 'TIMELINE_TOO_LARGE', true],
    );
    assert.deepEqual(messages(await readAll(world.timeline('a'))), ['used', 'one']);
    assert.deepEqual(messages(await readAll(world.timeline('b'))), ['two']);
  });

  test('an empty batch is nothing', async (world) => {
    const { store, calls } = await world.openCounted();
    assert.deepEqual(await store.appendBatch([]), []);
    assert.deepEqual(await store.appendToMany([], 'm'), []);
    assert.deepEqual(await store.readBatch([]), []);
    assert.deepEqual(await store.heads([]), []);
    assert.equal(calls.size, 0);
  });

  test('a batch of thousands arrives whole', async (world) => {
    const items = numbered(3000).map((message, index) => ({ timeline: `t${index % 100}`, message }));
    (await world.store.appendBatch(items)).forEach(succeeded);
    const pages = await world.store.readBatch(Array.from({ length: 100 }, (_, index) => ({ timeline: `t${index}` })));
    for (const [index, page] of pages.entries()) {
      assert.deepEqual(
        messages(page.entries),
        items.filter((item) => item.timeline === `t${index}`).map((item) => item.message),
      );
    }
  });

  test('each range of a read keeps its own bounds, limit and direction', async (world) => {
    const all = await fill(world.timeline('a'), 10);
    await fill(world.timeline('b'), 3, 'b');
    const pages = await world.store.readBatch([
      { timeline: 'a', after: all[6]!.cursor },
      { timeline: 'b', reverse: true },
      { timeline: 'a', before: all[2]!.seqId, reverse: true, limit: 1 },
      { timeline: 'never written' },
      { timeline: 'a', limit: 2 },
      { timeline: 'a', after: all[9]!.cursor },
    ]);
    assert.deepEqual(
      pages.map((page) => messages(page.entries)),
      [['m8', 'm9', 'm10'], ['b3', 'b2', 'b1'], ['m2'], [], ['m1', 'm2'], []],
    );
    assert.deepEqual(
      pages.map((page) => page.upToDate),
      [true, true, false, true, false, true],
    );
    assert.deepEqual(
      pages.map((page) => page.head.lastSeqId),
      ['a', 'b', 'a', '', 'a', 'a'].map((id) =>
        id === 'a' ? all[9]!.seqId : id === 'b' ? pages[1]!.entries[0]!.seqId : 0n,
      ),
    );
  });

  test('a batch read equals single reads', async (world) => {
    const ids = numbered(30, 't');
    for (const [index, id] of ids.entries()) await fill(world.timeline(id), index % 4, `${id}:`);
    const pages = await world.store.readBatch(ids.map((timeline) => ({ timeline })));
    for (const [index, id] of ids.entries()) {
      const single = await world.timeline(id).read();
      const page = pages[index]!;
      assert.deepEqual(
        page.entries.map((entry) => entry.toJSON()),
        single.entries.map((entry) => entry.toJSON()),
      );
      assert.deepEqual(
        [page.next, page.upToDate, page.head.toJSON()],
        [single.next, single.upToDate, single.head.toJSON()],
      );
    }
  });

  test('heads come in order, also twice and of what was never written', async (world) => {
    const last = (await fill(world.timeline('a'), 3)).at(-1)!.seqId;
    const heads = await world.store.heads(['a', 'never written', 'a']);
    assert.deepEqual(
      heads.map((head) => head.lastSeqId),
      [last, 0n, last],
    );
    assert.deepEqual(
      heads.map((head) => head.timeline),
      ['a', 'never written', 'a'],
    );
    assert.equal(heads[1]?.firstSeqId, 1n);
  });

  test('reading leaves no trace of a Timeline', async (world) => {
    await world.store.heads(['unseen']);
    await world.store.readBatch([{ timeline: 'unseen' }]);
    const { firstSeqId, lastSeqId } = await world.timeline('unseen').head();
    assert.deepEqual([firstSeqId, lastSeqId], [1n, 0n]);
    assert.equal(await world.timeline('unseen').latest(), undefined);
  });

  test('a batch that holds one bad range is refused as a whole', async (world) => {
    const [{ seqId }] = (await fill(world.timeline('a'), 1)) as [AppendResult];
    const beyond = { timeline: 'a', after: seqId + 99n };
    await rejects(world.store.readBatch([{ timeline: 'a' }, beyond]), 'TIMELINE_ROLLED_BACK');
  });

  test('the adapter gets each batch in one call', async (world) => {
    const { store, calls } = await world.openCounted();
    const ids = numbered(50, 't');
    await store.appendBatch(ids.map((timeline) => ({ timeline, message: 'm' })));
    await store.readBatch(ids.map((timeline) => ({ timeline })));
    await store.heads(ids);
    assert.deepEqual([calls.get('append'), calls.get('read'), calls.get('heads')], [1, 1, 1]);
  });

  test('the adapter answers for every write and range that it is given, in order', async (world) => {
    const library = await libraryOf(world);
    const write = (timeline: string, body: string) => ({ timeline, entries: [{ payload: { body, shared: false } }] });
    const outcomes = await library.append([write('a', '"1"'), write('b', '"2"'), write('a', '"3"')], soon());
    assert.deepEqual(
      outcomes.map((outcome) => outcome.ok && outcome.entries.length),
      [1, 1, 1],
    );
    const range = { limit: 10, reverse: false };
    const slices = await library.read(
      ['b', 'a', 'none', 'a'].map((timeline) => ({ ...range, timeline })),
      soon(),
    );
    assert.deepEqual(
      slices.map((slice) => slice.rows.map((row) => row.body)),
      [['"2"'], ['"1"', '"3"'], [], ['"1"', '"3"']],
    );
    assert.deepEqual(
      (await library.heads(['none', 'a'], soon())).map((head) => head.lastSeqId),
      [0n, slices[1]!.lastSeqId],
    );
    assert.deepEqual(
      seqIds(slices[1]!.rows),
      seqIds(outcomes.flatMap((outcome, index) => (outcome.ok && index !== 1 ? outcome.entries : []))),
    );
  });
});
