import assert from 'node:assert/strict';
import { fill, messages, readAll, seqIds, succeeded, take } from '../assertions.js';
import { law } from '../law-group.js';

export const restart = law('Restart', 'all data survive a restart', (test) => {
  test('entries with all their fields', ['reopen', 'keys'], async (fixture) => {
    await fixture.timeline().append('m', { key: 'k' });
    await fill(fixture.timeline(), 20);
    const before = (await readAll(fixture.timeline())).map((entry) => entry.toJSON());
    const head = (await fixture.timeline().head()).toJSON();
    await fixture.restart();
    assert.deepEqual(
      (await readAll(fixture.timeline())).map((entry) => entry.toJSON()),
      before,
    );
    assert.deepEqual((await fixture.timeline().head()).toJSON(), head);
  });

  test('fan-outs and batches', ['reopen'], async (fixture) => {
    const ids = Array.from({ length: 30 }, (_, index) => `t${index}`);
    (await fixture.store.appendToMany(ids, 'to all')).forEach(succeeded);
    (await fixture.store.appendBatch(ids.map((timeline) => ({ timeline, message: timeline })))).forEach(succeeded);
    await fixture.restart();
    for (const id of ids) assert.deepEqual(messages(await readAll(fixture.timeline(id))), ['to all', id]);
  });

  test('updates and tombstones', ['reopen', 'update', 'delete'], async (fixture) => {
    const all = await fill(fixture.timeline(), 3);
    await fixture.timeline().update(all[0]!.seqId, 'edited');
    await fixture.timeline().delete(all[1]!.seqId);
    await fixture.restart();
    const entries = await readAll(fixture.timeline());
    assert.deepEqual(
      entries.map((entry) => [entry.message, entry.deleted, entry.revision]),
      [
        ['edited', false, 1],
        [undefined, true, 1],
        ['m3', false, 0],
      ],
    );
  });

  test('a cut, and the news of it', ['reopen', 'trim'], async (fixture) => {
    const all = await fill(fixture.timeline(), 5);
    await fixture.timeline().trim({ through: all[2]!.seqId });
    await fixture.restart();
    const page = await fixture.timeline().read({ after: all[0]!.cursor });
    assert.deepEqual([seqIds(page.entries), page.truncated], [seqIds(all.slice(3)), { through: all[2]?.seqId }]);
  });

  test('a reader goes on where it was', ['reopen'], async (fixture) => {
    const all = await fill(fixture.timeline(), 10);
    await fixture.restart();
    assert.deepEqual(messages(await take(fixture.timeline().subscribe({ after: all[6]!.cursor }), 3)), [
      'm8',
      'm9',
      'm10',
    ]);
    const { seqId } = await fixture.timeline().append('next');
    assert.ok(seqId > all[9]!.seqId);
  });

  test('appends that were under way when the store was closed', ['reopen'], async (fixture) => {
    const appends = fill(fixture.timeline(), 100);
    await fixture.restart();
    assert.deepEqual(seqIds(await readAll(fixture.timeline())), seqIds(await appends));
  });

  test('the list of Timelines', ['reopen', 'timelines'], async (fixture) => {
    await fixture.store.appendToMany(['b', 'a', ['c', 1]], 'm');
    await fixture.restart();
    assert.deepEqual(await take(fixture.store.timelines()), ['a', 'b', ['c', 1]]);
  });

  test('several restarts in a row', ['reopen'], async (fixture) => {
    const wanted: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      wanted.push(`m${round}`);
      await fixture.timeline().append(`m${round}`);
      await fixture.restart();
      assert.deepEqual(messages(await readAll(fixture.timeline())), wanted);
    }
  });
});
