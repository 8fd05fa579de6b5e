import assert from 'node:assert/strict';
import { fill, messages, readAll, seqIds, succeeded, take } from '../assertions.js';
import { law } from '../law-group.js';

export const restart = law('Restart', 'everything is there after a restart', (test) => {
  test('entries with all their fields', ['reopen', 'keys'], async (world) => {
    await world.timeline().append('m', { key: 'k' });
    await fill(world.timeline(), 20);
    const before = (await readAll(world.timeline())).map((entry) => entry.toJSON());
    const head = (await world.timeline().head()).toJSON();
    await world.restart();
    assert.deepEqual(
      (await readAll(world.timeline())).map((entry) => entry.toJSON()),
      before,
    );
    assert.deepEqual((await world.timeline().head()).toJSON(), head);
  });

  test('fan-outs and batches', ['reopen'], async (world) => {
    const ids = Array.from({ length: 30 }, (_, index) => `t${index}`);
    (await world.store.appendToMany(ids, 'to all')).forEach(succeeded);
    (await world.store.appendBatch(ids.map((timeline) => ({ timeline, message: timeline })))).forEach(succeeded);
    await world.restart();
    for (const id of ids) assert.deepEqual(messages(await readAll(world.timeline(id))), ['to all', id]);
  });

  test('updates and tombstones', ['reopen', 'update', 'delete'], async (world) => {
    const all = await fill(world.timeline(), 3);
    await world.timeline().update(all[0]!.seqId, 'edited');
    await world.timeline().delete(all[1]!.seqId);
    await world.restart();
    const entries = await readAll(world.timeline());
    assert.deepEqual(
      entries.map((entry) => [entry.message, entry.deleted, entry.revision]),
      [
        ['edited', false, 1],
        [undefined, true, 1],
        ['m3', false, 0],
      ],
    );
  });

  test('a cut, and the news of it', ['reopen', 'trim'], async (world) => {
    const all = await fill(world.timeline(), 5);
    await world.timeline().trim({ through: all[2]!.seqId });
    await world.restart();
    const page = await world.timeline().read({ after: all[0]!.cursor });
    assert.deepEqual([seqIds(page.entries), page.truncated], [seqIds(all.slice(3)), { through: all[2]?.seqId }]);
  });

  test('a reader goes on where it was', ['reopen'], async (world) => {
    const all = await fill(world.timeline(), 10);
    await world.restart();
    assert.deepEqual(messages(await take(world.timeline().subscribe({ after: all[6]!.cursor }), 3)), [
      'm8',
      'm9',
      'm10',
    ]);
    const { seqId } = await world.timeline().append('next');
    assert.ok(seqId > all[9]!.seqId);
  });

  test('appends that were under way when the store was closed', ['reopen'], async (world) => {
    const appends = fill(world.timeline(), 100);
    await world.restart();
    assert.deepEqual(seqIds(await readAll(world.timeline())), seqIds(await appends));
  });

  test('the list of Timelines', ['reopen', 'timelines'], async (world) => {
    await world.store.appendToMany(['b', 'a', ['c', 1]], 'm');
    await world.restart();
    assert.deepEqual(await take(world.store.timelines()), ['a', 'b', ['c', 1]]);
  });

  test('several restarts in a row', ['reopen'], async (world) => {
    const wanted: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      wanted.push(`m${round}`);
      await world.timeline().append(`m${round}`);
      await world.restart();
      assert.deepEqual(messages(await readAll(world.timeline())), wanted);
    }
  });
});
