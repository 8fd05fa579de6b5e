import assert from 'node:assert/strict';
import { fill, messages, readAll, rejects, seqIds, take } from '../assertions.js';
import { law } from '../law-group.js';

export const expiry = law('Expiry', 'an entry older than the TTL is never returned', (test) => {
  test('an entry is there up to its TTL and gone after it, in every way of reading', ['ttl'], async (fixture) => {
    const store = await fixture.openExpiring();
    const timeline = store.timeline('timeline');
    const { seqId } = await timeline.append('m');
    fixture.time += fixture.ttlMs - 1;
    assert.deepEqual(messages(await readAll(timeline)), ['m']);
    assert.equal((await timeline.head()).firstSeqId, seqId);
    fixture.time += 2;
    assert.deepEqual(await readAll(timeline), []);
    assert.deepEqual((await timeline.read({ reverse: true })).entries, []);
    assert.equal(await timeline.get(seqId), undefined);
    assert.equal(await timeline.latest(), undefined);
    assert.deepEqual(await take(timeline.scan()), []);
    assert.deepEqual((await store.readBatch([{ timeline: 'timeline' }]))[0]?.entries, []);
    const { firstSeqId, lastSeqId } = await timeline.head();
    assert.deepEqual([firstSeqId, lastSeqId], [seqId + 1n, seqId]);
  });

  test('only expired entries are removed, oldest first', ['ttl'], async (fixture) => {
    const timeline = (await fixture.openExpiring()).timeline('timeline');
    const step = fixture.ttlMs / 4;
    const all: bigint[] = [];
    for (let index = 0; index < 4; index += 1, fixture.time += step)
      all.push((await timeline.append(`m${index}`)).seqId);
    for (let gone = 0; gone <= 4; gone += 1, fixture.time += step) {
      fixture.time += 1;
      const left = all.slice(Math.min(gone + 1, 4));
      assert.deepEqual(seqIds(await readAll(timeline)), left, `after ${gone + 4} steps`);
      assert.equal((await timeline.head()).firstSeqId, left[0] ?? all[3]! + 1n);
      fixture.time -= 1;
    }
  });

  test('with a clock set back, no entry expires before an earlier one', ['ttl'], async (fixture) => {
    const timeline = (await fixture.openExpiring()).timeline('timeline');
    const start = fixture.time;
    await timeline.append('first');
    fixture.time = start - fixture.ttlMs / 2;
    await timeline.append('second');
    fixture.time = start + fixture.ttlMs - 1;
    assert.deepEqual(messages(await readAll(timeline)), ['first', 'second']);
    fixture.time = start + fixture.ttlMs + 1;
    assert.deepEqual(await readAll(timeline), []);
  });

  test('a Timeline that expired altogether goes on', ['ttl'], async (fixture) => {
    const timeline = (await fixture.openExpiring()).timeline('timeline');
    const old = await fill(timeline, 3);
    fixture.time += fixture.ttlMs + 1;
    const { seqId } = await timeline.append('next');
    assert.ok(seqId > old[2]!.seqId);
    assert.deepEqual(messages(await readAll(timeline)), ['next']);
    assert.equal((await timeline.head()).firstSeqId, seqId);
  });

  test('a waiting subscription gets entries appended after the expiry', ['ttl'], async (fixture) => {
    const timeline = (await fixture.openExpiring({ pollMs: 20 })).timeline('timeline');
    await timeline.append('old');
    fixture.time += fixture.ttlMs + 1;
    const received = take(timeline.subscribe(), 1);
    await timeline.append('next');
    assert.deepEqual(messages(await received), ['next']);
  });

  test('expired entries cannot be deleted into tombstones', ['ttl', 'delete'], async (fixture) => {
    const timeline = (await fixture.openExpiring()).timeline('timeline');
    const { seqId } = await timeline.append('m');
    fixture.time += fixture.ttlMs + 1;
    await timeline.delete(seqId);
    assert.deepEqual(await readAll(timeline), []);
    assert.equal(await timeline.get(seqId), undefined);
  });

  test('keepLast does not count expired entries', ['ttl', 'trim'], async (fixture) => {
    const timeline = (await fixture.openExpiring()).timeline('timeline');
    await fill(timeline, 3, 'old');
    fixture.time += fixture.ttlMs + 1;
    const kept = await fill(timeline, 3, 'new');
    await timeline.trim({ keepLast: 2 });
    assert.deepEqual(seqIds(await readAll(timeline)), seqIds(kept.slice(1)));
  });

  test('a key answers with the first SeqId after its entry has expired', ['ttl', 'keys'], async (fixture) => {
    const timeline = (await fixture.openExpiring()).timeline('timeline');
    const window = fixture.capabilities.keyWindowMs;
    const { seqId } = await timeline.append('m', { key: 'k' });
    fixture.time += fixture.ttlMs + 1;
    const again = await timeline.append('m', { key: 'k' });
    const remembered = window === null || window > fixture.ttlMs + 1;
    assert.equal(again.duplicate, remembered);
    assert.equal(again.seqId === seqId, remembered);
  });

  test('a library without TTL keeps its entries', async (fixture) => {
    await fill(fixture.timeline(), 3);
    fixture.time += 10 * 366 * 86_400_000;
    assert.deepEqual(messages(await readAll(fixture.timeline())), ['m1', 'm2', 'm3']);
  });

  test('a TTL below the shortest is refused', ['ttl'], async (fixture) => {
    const { minTtlMs } = fixture.capabilities;
    await rejects(
      fixture.open({ name: 'expiring', ttlMs: minTtlMs! - 1 }),
      'TIMELINE_UNSUPPORTED',
      'TIMELINE_INVALID_ARGUMENT',
    );
    const shortest = await fixture.open({ name: 'expiring', ttlMs: minTtlMs! });
    const { seqId } = await shortest.timeline('timeline').append('m');
    assert.equal((await shortest.timeline('timeline').head()).lastSeqId, seqId);
  });

  test(
    'expired entries are removed physically without anyone calling for it',
    ['ttl', 'physicalEntries'],
    async (fixture) => {
      const store = await fixture.openExpiring();
      await fill(store.timeline('timeline'), 200, 'old');
      fixture.time += fixture.ttlMs + 1;
      await fill(store.timeline('timeline'), 3, 'new');
      await fixture.untilPhysically(4, store.name, 'timeline');
      assert.deepEqual(messages(await readAll(store.timeline('timeline'))), ['new1', 'new2', 'new3']);
    },
  );

  test('trimmed entries are removed physically', ['trim', 'physicalEntries'], async (fixture) => {
    const all = await fill(fixture.timeline(), 200);
    await fixture.timeline().trim({ through: all[196]!.seqId });
    await fixture.untilPhysically(4, fixture.store.name, 'timeline');
    assert.deepEqual(messages(await readAll(fixture.timeline())), ['m198', 'm199', 'm200']);
  });
});
