import assert from 'node:assert/strict';
import { fill, messages, readAll, rejects, until } from '../assertions.js';
import { law } from '../law-group.js';

export const settings = law('Settings', 'what decides about data is kept with them', (test) => {
  test('another TTL is refused with both values, and the history stays', ['ttl'], async (world) => {
    const store = await world.openExpiring();
    await fill(store.timeline('timeline'), 3);
    for (const ttlMs of [world.ttlMs + 1, 2 * world.ttlMs, Number.POSITIVE_INFINITY]) {
      const error = await rejects(world.openExpiring({ ttlMs }), 'TIMELINE_INVALID_ARGUMENT');
      assert.deepEqual([error.argument, error.expected, error.actual], ['ttlMs', ttlMs, world.ttlMs]);
    }
    world.time += world.ttlMs - 1;
    assert.deepEqual(messages(await readAll(store.timeline('timeline'))), ['m1', 'm2', 'm3']);
  });

  test('a TTL for a library that has none is refused, and the history stays', ['ttl'], async (world) => {
    await fill(world.timeline(), 3);
    const error = await rejects(world.open({ ttlMs: world.ttlMs }), 'TIMELINE_INVALID_ARGUMENT');
    assert.deepEqual([error.expected, error.actual], [world.ttlMs, Number.POSITIVE_INFINITY]);
    world.time += 2 * world.ttlMs;
    assert.deepEqual(messages(await readAll(world.timeline())), ['m1', 'm2', 'm3']);
  });

  test('a TTL that is not given is the one that stands', ['ttl'], async (world) => {
    await fill((await world.openExpiring()).timeline('timeline'), 3);
    const store = await world.open({ name: 'expiring' });
    assert.equal(store.ttlMs, world.ttlMs);
    assert.equal(world.store.ttlMs, undefined);
    world.time += world.ttlMs + 1;
    assert.deepEqual(await readAll(store.timeline('timeline')), []);
  });

  test('the TTL that stands is taken again as it is', ['ttl'], async (world) => {
    for (let round = 0; round < 3; round += 1) {
      const store = await world.openExpiring({ alter: round === 1 });
      assert.equal(store.ttlMs, world.ttlMs);
      await store.close();
    }
    const forEver = await world.open({ ttlMs: Number.POSITIVE_INFINITY });
    assert.equal(forEver.ttlMs, undefined);
  });

  test('a TTL that is altered counts for stores that were open before', ['ttl'], async (world) => {
    const before = await world.openExpiring();
    await before.timeline('timeline').append('m');
    const altered = await world.openExpiring({ ttlMs: 3 * world.ttlMs, alter: true });
    assert.equal(altered.ttlMs, 3 * world.ttlMs);
    await until('the open store follows', () => before.ttlMs === 3 * world.ttlMs, 30_000);
    world.time += 2 * world.ttlMs;
    for (const store of [before, altered]) assert.deepEqual(messages(await readAll(store.timeline('timeline'))), ['m']);
    world.time += 2 * world.ttlMs;
    for (const store of [before, altered]) assert.deepEqual(await readAll(store.timeline('timeline')), []);
  });

  test('a TTL that is taken away keeps what is there, in stores that were open before too', ['ttl'], async (world) => {
    const before = await world.openExpiring();
    await before.timeline('timeline').append('m');
    const altered = await world.openExpiring({ ttlMs: Number.POSITIVE_INFINITY, alter: true });
    assert.equal(altered.ttlMs, undefined);
    await until('the open store follows', () => before.ttlMs === undefined, 30_000);
    world.time += 10 * world.ttlMs;
    for (const store of [before, altered]) assert.deepEqual(messages(await readAll(store.timeline('timeline'))), ['m']);
  });

  test('they outlive a restart', ['ttl', 'reopen'], async (world) => {
    const store = await world.openExpiring();
    await store.timeline('timeline').append('m');
    await store.close();
    await rejects(world.reopen({ name: 'expiring', ttlMs: world.ttlMs + 1 }), 'TIMELINE_INVALID_ARGUMENT');
    const again = await world.reopen({ name: 'expiring' });
    assert.equal(again.ttlMs, world.ttlMs);
    assert.deepEqual(messages(await readAll(again.timeline('timeline'))), ['m']);
  });

  test('several that create a library at once agree', ['ttl'], async (world) => {
    const asked = [1, 2, 3, 4].map((factor) => factor * world.ttlMs);
    const opened = await Promise.allSettled(asked.map((ttlMs) => world.open({ name: 'contested', ttlMs })));
    const stands = (await world.open({ name: 'contested' })).ttlMs;
    opened.forEach((result, index) => {
      const expected = asked[index] === stands ? 'fulfilled' : 'rejected';
      assert.equal(result.status, expected, `opened with ${asked[index]}, while ${stands} stands`);
    });
    assert.ok(stands !== undefined && asked.includes(stands), `${stands} stands`);
  });
});
