import assert from 'node:assert/strict';
import { assertGrowing, fill, messages, readAll, seqIds, succeeded } from '../assertions.js';
import { law } from '../law-group.js';

const numbered = (count: number, prefix = 'm') => Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);

export const order = law('Order', 'SeqIds grow in append order', (test) => {
  test('appends awaited one after another get growing ids', async (fixture) => {
    const timeline = fixture.timeline();
    const ids: bigint[] = [];
    for (const message of numbered(30)) ids.push((await timeline.append(message)).seqId);
    assertGrowing([0n, ...ids]);
    assert.deepEqual(messages(await readAll(timeline)), numbered(30));
  });

  test('appends issued together get ids in call order', async (fixture) => {
    const timeline = fixture.timeline();
    assertGrowing(seqIds(await fill(timeline, 300)));
    assert.deepEqual(messages(await readAll(timeline)), numbered(300));
  });

  test('each of two handles keeps its own call order while both append', async (fixture) => {
    const [one, two] = [fixture.timeline(), (await fixture.open()).timeline('timeline')];
    const [ones, twos] = await Promise.all([fill(one, 100, 'one-'), fill(two, 100, 'two-')]);
    assertGrowing(seqIds(ones));
    assertGrowing(seqIds(twos));
    const stored = messages(await readAll(one));
    for (const prefix of ['one-', 'two-']) {
      assert.deepEqual(
        stored.filter((message) => message.startsWith(prefix)),
        numbered(100, prefix),
      );
    }
  });

  test('bodies of different size keep their order', async (fixture) => {
    const sizes = [100_000, 1, 50_000, 2, 2, 80_000, 3].map((size) =>
      Math.min(size, fixture.capabilities.maxBodyBytes - 2),
    );
    const results = await Promise.all(sizes.map((size) => fixture.timeline().append('x'.repeat(size))));
    assertGrowing(seqIds(results));
    assert.deepEqual(
      messages(await readAll(fixture.timeline())).map((message) => message.length),
      sizes,
    );
  });

  test('appends with and without key, issued together, keep call order', ['keys'], async (fixture) => {
    const timeline = fixture.timeline();
    const results = await Promise.all(
      numbered(60).map((message, index) => timeline.append(message, index % 3 === 0 ? { key: message } : {})),
    );
    assertGrowing(seqIds(results));
    assert.deepEqual(messages(await readAll(timeline)), numbered(60));
  });

  test('append and appendMany issued together keep call order', ['atomicBatch'], async (fixture) => {
    const timeline = fixture.timeline();
    const [first, many, last] = await Promise.all([
      timeline.append('a'),
      timeline.appendMany(['b', 'c']),
      timeline.append('d'),
    ]);
    assertGrowing(seqIds([first, ...many, last]));
    assert.deepEqual(messages(await readAll(timeline)), ['a', 'b', 'c', 'd']);
  });

  test('items of one appendBatch keep their order within each Timeline', async (fixture) => {
    const items = numbered(90).map((message, index) => ({ timeline: `t${index % 3}`, message }));
    const outcomes = await fixture.store.appendBatch(items);
    for (const id of ['t0', 't1', 't2']) {
      assertGrowing(
        outcomes.filter((_, index) => items[index]?.timeline === id).map((outcome) => succeeded(outcome).seqId),
      );
      const expected = items.filter((item) => item.timeline === id).map((item) => item.message);
      assert.deepEqual(messages(await readAll(fixture.timeline(id))), expected);
    }
  });

  test('appends to many Timelines issued together keep the call order of each', async (fixture) => {
    const calls = numbered(120).map((message, index) => ({ id: `t${(index * 7) % 10}`, message }));
    await Promise.all(calls.map(({ id, message }) => fixture.timeline(id).append(message)));
    for (let index = 0; index < 10; index += 1) {
      const expected = calls.filter(({ id }) => id === `t${index}`).map(({ message }) => message);
      assert.deepEqual(messages(await readAll(fixture.timeline(`t${index}`))), expected);
    }
  });

  test('appendedAt is the time of the append and never falls, even when the clock does', async (fixture) => {
    const start = fixture.time;
    for (const time of [start, start + 1000, start - 5000, start + 500, start + 2000]) {
      fixture.time = time;
      await fixture.timeline().append(String(time));
    }
    const times = (await readAll(fixture.timeline())).map((entry) => entry.appendedAt);
    assert.deepEqual(times, [start, start + 1000, start + 1000, start + 1000, start + 2000]);
  });
});
