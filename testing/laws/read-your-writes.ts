import assert from 'node:assert/strict';
import { messages, readAll, seqIds, succeeded } from '../assertions.js';
import { law } from '../law-group.js';

export const readYourWrites = law('Read your writes', 'an append resolves only once a read sees it', (test) => {
  test('every way of reading then shows the append', async (fixture) => {
    const timeline = fixture.timeline();
    for (let round = 1; round <= 10; round += 1) {
      const { seqId, cursor } = await timeline.append(`m${round}`);
      assert.equal((await timeline.get(seqId))?.message, `m${round}`);
      assert.equal((await timeline.latest())?.seqId, seqId);
      assert.equal((await timeline.head()).lastSeqId, seqId);
      assert.equal((await timeline.read({ limit: 1, reverse: true })).entries[0]?.cursor, cursor);
      assert.deepEqual(messages(await readAll(timeline)).at(-1), `m${round}`);
    }
  });

  test('each of many concurrent appends resolves only once it can be read', async (fixture) => {
    const other = (await fixture.open()).timeline('timeline');
    const checks = Array.from({ length: 100 }, async (_, index) => {
      const { seqId } = await fixture.timeline().append(`m${index}`);
      return (await (index % 2 === 0 ? fixture.timeline() : other).get(seqId))?.message;
    });
    assert.deepEqual(
      await Promise.all(checks),
      Array.from({ length: 100 }, (_, index) => `m${index}`),
    );
  });

  test('a second store on the same library sees it', async (fixture) => {
    const other = await fixture.open();
    for (let round = 1; round <= 10; round += 1) {
      const { seqId } = await fixture.timeline().append(`m${round}`);
      assert.equal((await other.timeline('timeline').latest())?.seqId, seqId);
      assert.equal((await other.timeline('timeline').head()).lastSeqId, seqId);
    }
  });

  test('another adapter on the same data sees it', ['reopen'], async (fixture) => {
    const other = await fixture.reopen();
    for (let round = 1; round <= 10; round += 1) {
      const { seqId } = await fixture.timeline().append(`m${round}`);
      assert.equal((await other.timeline('timeline').get(seqId))?.message, `m${round}`);
      assert.equal((await other.timeline('timeline').head()).lastSeqId, seqId);
    }
  });

  test('batches and fan-outs resolve only once all their entries can be read', async (fixture) => {
    const ids = Array.from({ length: 40 }, (_, index) => `t${index}`);
    const outcomes = await fixture.store.appendToMany(ids, 'to all');
    const pages = await fixture.store.readBatch(ids.map((timeline) => ({ timeline })));
    assert.deepEqual(
      pages.map((page) => seqIds(page.entries)),
      outcomes.map((outcome) => [succeeded(outcome).seqId]),
    );
    const batch = await fixture.store.appendBatch(ids.map((timeline) => ({ timeline, message: 'one more' })));
    const heads = await fixture.store.heads(ids);
    assert.deepEqual(
      seqIds(batch.map(succeeded)),
      heads.map((head) => head.lastSeqId),
    );
  });

  test('appendMany resolves only once all its entries can be read', ['atomicBatch'], async (fixture) => {
    const results = await fixture.timeline().appendMany(['a', 'b']);
    assert.deepEqual(seqIds(await readAll((await fixture.open()).timeline('timeline'))), seqIds(results));
  });

  test('a resolved update can be read', ['update'], async (fixture) => {
    const other = (await fixture.open()).timeline('timeline');
    const { seqId } = await fixture.timeline().append('before');
    await fixture.timeline().update(seqId, 'after');
    assert.equal((await other.get(seqId))?.message, 'after');
  });

  test('a resolved deletion can be read', ['delete'], async (fixture) => {
    const other = (await fixture.open()).timeline('timeline');
    const { seqId } = await fixture.timeline().append('m');
    await fixture.timeline().delete(seqId);
    assert.equal((await other.get(seqId))?.deleted, true);
  });
});
