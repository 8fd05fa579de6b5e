import assert from 'node:assert/strict';
import type { AdapterLibrary } from '../../src/adapter.js';
import type { AppendResult } from '../../src/types.js';
import { fill, messages, readAll, rejects, seqIds, succeeded } from '../assertions.js';
import type { Fixture } from '../fixture.js';
import { law } from '../law-group.js';

const numbered = (count: number, prefix = 'm') => Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);

/** Opens the adapter's library, for calls that the core would not make. */
async function libraryOf(fixture: Fixture): Promise<AdapterLibrary> {
  let library: AdapterLibrary | undefined;
  await fixture.openDecorated((opened) => {
    library = opened;
    return {};
  });
  return library!;
}

const newCall = () => ({ deadline: performance.now() + 30_000 });

export const batches = law('Batches', 'many Timelines are written and read in one call', (test) => {
  test('outcomes come in the order of the items', async (fixture) => {
    const items = numbered(200).map((message, index) => ({ timeline: `t${(index * 13) % 17}`, message }));
    const outcomes = (await fixture.store.appendBatch(items)).map(succeeded);
    assert.equal(outcomes.length, 200);
    for (const [index, { seqId }] of outcomes.entries()) {
      const entry = await fixture.timeline(items[index]!.timeline).get(seqId);
      assert.equal(entry?.message, items[index]?.message);
    }
  });

  test('an item that fails leaves the others as they are', ['keys'], async (fixture) => {
    await fixture.timeline('a').append('used', { key: 'k' });
    const outcomes = await fixture.store.appendBatch([
      { timeline: 'a', message: 'one' },
      { timeline: 'a', message: 'other', key: 'k' },
      { timeline: 'b', message: 'x'.repeat(fixture.capabilities.maxBodyBytes) },
      { timeline: 'b', message: 'two' },
    ]);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.ok || outcome.error.code),
      [true, 'TIMELINE_KEY_CONFLICT', 'TIMELINE_TOO_LARGE', true],
    );
    assert.deepEqual(messages(await readAll(fixture.timeline('a'))), ['used', 'one']);
    assert.deepEqual(messages(await readAll(fixture.timeline('b'))), ['two']);
  });

  test('an empty batch is nothing', async (fixture) => {
    const { store, calls } = await fixture.openCounted();
    assert.deepEqual(await store.appendBatch([]), []);
    assert.deepEqual(await store.appendToMany([], 'm'), []);
    assert.deepEqual(await store.readBatch([]), []);
    assert.deepEqual(await store.heads([]), []);
    assert.equal(calls.size, 0);
  });

  test('a batch of thousands arrives whole', async (fixture) => {
    const items = numbered(3000).map((message, index) => ({ timeline: `t${index % 100}`, message }));
    (await fixture.store.appendBatch(items)).forEach(succeeded);
    const pages = await fixture.store.readBatch(Array.from({ length: 100 }, (_, index) => ({ timeline: `t${index}` })));
    for (const [index, page] of pages.entries()) {
      assert.deepEqual(
        messages(page.entries),
        items.filter((item) => item.timeline === `t${index}`).map((item) => item.message),
      );
    }
  });

  test('each range of a read keeps its own bounds, limit and direction', async (fixture) => {
    const all = await fill(fixture.timeline('a'), 10);
    await fill(fixture.timeline('b'), 3, 'b');
    const pages = await fixture.store.readBatch([
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

  test('a batch read equals single reads', async (fixture) => {
    const ids = numbered(30, 't');
    for (const [index, id] of ids.entries()) await fill(fixture.timeline(id), index % 4, `${id}:`);
    const pages = await fixture.store.readBatch(ids.map((timeline) => ({ timeline })));
    for (const [index, id] of ids.entries()) {
      const single = await fixture.timeline(id).read();
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

  test('heads come in order, even repeated and of Timelines never written to', async (fixture) => {
    const last = (await fill(fixture.timeline('a'), 3)).at(-1)!.seqId;
    const heads = await fixture.store.heads(['a', 'never written', 'a']);
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

  test('reading leaves no trace of a Timeline', async (fixture) => {
    await fixture.store.heads(['unseen']);
    await fixture.store.readBatch([{ timeline: 'unseen' }]);
    const { firstSeqId, lastSeqId } = await fixture.timeline('unseen').head();
    assert.deepEqual([firstSeqId, lastSeqId], [1n, 0n]);
    assert.equal(await fixture.timeline('unseen').latest(), undefined);
  });

  test('a batch that holds one bad range is refused as a whole', async (fixture) => {
    const [{ seqId }] = (await fill(fixture.timeline('a'), 1)) as [AppendResult];
    const beyond = { timeline: 'a', after: seqId + 99n };
    await rejects(fixture.store.readBatch([{ timeline: 'a' }, beyond]), 'TIMELINE_ROLLED_BACK');
  });

  test('the adapter gets each batch in one call', async (fixture) => {
    const { store, calls } = await fixture.openCounted();
    const ids = numbered(50, 't');
    await store.appendBatch(ids.map((timeline) => ({ timeline, message: 'm' })));
    await store.readBatch(ids.map((timeline) => ({ timeline })));
    await store.heads(ids);
    assert.deepEqual([calls.get('append'), calls.get('read'), calls.get('heads')], [1, 1, 1]);
  });

  test('the adapter answers for every write and range that it is given, in order', async (fixture) => {
    const library = await libraryOf(fixture);
    const write = (timeline: string, body: string) => ({ timeline, entries: [{ payload: { body, shared: false } }] });
    const outcomes = await library.append([write('a', '"1"'), write('b', '"2"'), write('a', '"3"')], newCall());
    assert.deepEqual(
      outcomes.map((outcome) => outcome.ok && outcome.entries.length),
      [1, 1, 1],
    );
    const range = { limit: 10, reverse: false };
    const slices = await library.read(
      ['b', 'a', 'none', 'a'].map((timeline) => ({ ...range, timeline })),
      newCall(),
    );
    assert.deepEqual(
      slices.map((slice) => slice.rows.map((row) => row.body)),
      [['"2"'], ['"1"', '"3"'], [], ['"1"', '"3"']],
    );
    assert.deepEqual(
      (await library.heads(['none', 'a'], newCall())).map((head) => head.lastSeqId),
      [0n, slices[1]!.lastSeqId],
    );
    assert.deepEqual(
      seqIds(slices[1]!.rows),
      seqIds(outcomes.flatMap((outcome, index) => (outcome.ok && index !== 1 ? outcome.entries : []))),
    );
  });
});
