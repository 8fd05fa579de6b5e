import assert from 'node:assert/strict';
import { fill, messages, readAll, rejects, seqIds, take } from '../assertions.js';
import { law } from '../law-group.js';

export const expiry = law('Expiry', 'an entry older than the TTL is never returned', (test) => {
  test('an entry is there up to its TTL and gone after it, in every way of reading', ['ttl'], async (world) => {
    const store = await world.openExpiring();
    const timeline = store.timeline('timeline');
    const { seqId } = await timeline.append('m');
    world.time += world.ttlMs - 1;
    assert.deepEqual(messages(await readAll(timeline)), ['m']);
    assert.equal((await timeline.head()).firstSeqId, seqId);
    world.time += 2;
    assert.deepEqual(await readAll(timeline), []);
    assert.deepEqual((await timeline.read({ reverse: true })).entries, []);
    assert.equal(await timeline.get(seqId), undefined);
    assert.equal(await timeline.latest(), undefined);
    assert.deepEqual(await take(timeline.scan()), []);
    assert.deepEqual((await store.readBatch([{ timeline: 'timeline' }]))[0]?.entries, []);
    const { firstSeqId, lastSeqId } = await timeline.head();
    assert.deepEqual([firstSeqId, lastSeqId], [seqId + 1n, seqId]);
  });

  test('only what is old goes, oldest first', ['ttl'], async (world) => {
    const timeline = (await world.openExpiring()).timeline('timeline');
    const step = world.ttlMs / 4;
    const all: bigint[] = [];
    for (let index = 0; index < 4; index += 1, world.time += step) all.push((await timeline.append(`m${index}`)).seqId);
    for (let gone = 0; gone <= 4; gone += 1, world.time += step) {
      world.time += 1;
      const left = all.slice(Math.min(gone + 1, 4));
      assert.deepEqual(seqIds(await readAll(timeline)), left, `after ${gone + 4} steps`);
      assert.equal((await timeline.head()).firstSeqId, left[0] ?? all[3]! + 1n);
      world.time -= 1;
    }
  });

  test('a clock that went back lets nothing expire before what came earlier', ['ttl'], async (world) => {
    const timeline = (await world.openExpiring()).timeline('timeline');
    const start = world.time;
    await timeline.append('first');
    world.time = start - world.ttlMs / 2;
    await timeline.append('second');
    world.time = start + world.ttlMs - 1;
    assert.deepEqual(messages(await readAll(timeline)), ['first', 'second']);
    world.time = start + world.ttlMs + 1;
    assert.deepEqual(await readAll(timeline), []);
  });

  test('a Timeline that expired altogether goes on', ['ttl'], async (world) => {
    const timeline = (await world.openExpiring()).timeline('timeline');
    const old = await fill(timeline, 3);
    world.time += world.ttlMs + 1;
    const { seqId } = await timeline.append('next');
    assert.ok(seqId > old[2]!.seqId);
    assert.deepEqual(messages(await readAll(timeline)), ['next']);
    assert.equal((await timeline.head()).firstSeqId, seqId);
  });

  test('a waiting subscription gets what comes after the expiry', ['ttl'], async (world) => {
    const timeline = (await world.openExpiring({ pollMs: 20 })).timeline('timeline');
    await timeline.append('old');
    world.time += world.ttlMs + 1;
    const received = take(timeline.subscribe(), 1);
    await timeline.append('next');
    assert.deepEqual(messages(await received), ['next']);
  });

  test('expired entries cannot be deleted into tombstones', ['ttl', 'delete'], async (world) => {
    const timeline = (await world.openExpiring()).timeline('timeline');
    const { seqId } = await timeline.append('m');
    world.time += world.ttlMs + 1;
    await timeline.delete(seqId);
    assert.deepEqual(await readAll(timeline), []);
    assert.equal(await timeline.get(seqId), undefined);
  });

  test('keepLast does not count what has expired', ['ttl', 'trim'], async (world) => {
    const timeline = (await world.openExpiring()).timeline('timeline');
    await fill(timeline, 3, 'old');
    world.time += world.ttlMs + 1;
    const kept = await fill(timeline, 3, 'new');
    await timeline.trim({ keepLast: 2 });
    assert.deepEqual(seqIds(await readAll(timeline)), seqIds(kept.slice(1)));
  });

  test('a key answers with the first SeqId after its entry has expired', ['ttl', 'keys'], async (world) => {
    const timeline = (await world.openExpiring()).timeline('timeline');
    const window = world.capabilities.keyWindowMs;
    const { seqId } = await timeline.append('m', { key: 'k' });
    world.time += world.ttlMs + 1;
    const again = await timeline.append('m', { key: 'k' });
    const remembered = window === null || window > world.ttlMs + 1;
    assert.equal(again.duplicate, remembered);
    assert.equal(again.seqId === seqId, remembered);
  });

  test('a library without TTL keeps its entries', async (world) => {
    await fill(world.timeline(), 3);
    world.time += 10 * 366 * 86_400_000;
    assert.deepEqual(messages(await readAll(world.timeline())), ['m1', 'm2', 'm3']);
  });

  test('a TTL below the shortest is refused', ['ttl'], async (world) => {
    const { minTtlMs } = world.capabilities;
    await rejects(
      world.open({ name: 'expiring', ttlMs: minTtlMs! - 1 }),
      'TIMELINE_UNSUPPORTED',
      'TIMELINE_INVALID_ARGUMENT',
    );
    const shortest = await world.open({ name: 'expiring', ttlMs: minTtlMs! });
    const { seqId } = await shortest.timeline('timeline').append('m');
    assert.equal((await shortest.timeline('timeline').head()).lastSeqId, seqId);
  });

  test(
    'expired entries are removed physically without anyone calling for it',
    ['ttl', 'physicalEntries'],
    async (world) => {
      const store = await world.openExpiring();
      await fill(store.timeline('timeline'), 200, 'old');
      world.time += world.ttlMs + 1;
      await fill(store.timeline('timeline'), 3, 'new');
      await world.untilPhysically(4, store.name, 'timeline');
      assert.deepEqual(messages(await readAll(store.timeline('timeline'))), ['new1', 'new2', 'new3']);
    },
  );

  test('trimmed entries are removed physically', ['trim', 'physicalEntries'], async (world) => {
    const all = await fill(world.timeline(), 200);
    await world.timeline().trim({ through: all[196]!.seqId });
    await world.untilPhysically(4, world.store.name, 'timeline');
    assert.deepEqual(messages(await readAll(world.timeline())), ['m198', 'm199', 'm200']);
  });
});
