import assert from 'node:assert/strict';
import { fill, messages, readAll, rejects, until } from '../assertions.js';
import { law } from '../law-group.js';

export const settings = law('Settings', 'settings are stored with the data', (test) => {
  test('another TTL is refused with both values, and the history stays', ['ttl'], async (fixture) => {
    const store = await fixture.openExpiring();
    await fill(store.timeline('timeline'), 3);
    for (const ttlMs of [fixture.ttlMs + 1, 2 * fixture.ttlMs, Number.POSITIVE_INFINITY]) {
      const error = await rejects(fixture.openExpiring({ ttlMs }), 'TIMELINE_INVALID_ARGUMENT');
      assert.deepEqual([error.argument, error.expected, error.actual], ['ttlMs', ttlMs, fixture.ttlMs]);
    }
    fixture.time += fixture.ttlMs - 1;
    assert.deepEqual(messages(await readAll(store.timeline('timeline'))), ['m1', 'm2', 'm3']);
  });

  test('a TTL for a library that has none is refused, and the history stays', ['ttl'], async (fixture) => {
    await fill(fixture.timeline(), 3);
    const error = await rejects(fixture.open({ ttlMs: fixture.ttlMs }), 'TIMELINE_INVALID_ARGUMENT');
    assert.deepEqual([error.expected, error.actual], [fixture.ttlMs, Number.POSITIVE_INFINITY]);
    fixture.time += 2 * fixture.ttlMs;
    assert.deepEqual(messages(await readAll(fixture.timeline())), ['m1', 'm2', 'm3']);
  });

  test('a TTL that is not given is the one that stands', ['ttl'], async (fixture) => {
    await fill((await fixture.openExpiring()).timeline('timeline'), 3);
    const store = await fixture.open({ name: 'expiring' });
    assert.equal(store.ttlMs, fixture.ttlMs);
    assert.equal(fixture.store.ttlMs, undefined);
    fixture.time += fixture.ttlMs + 1;
    assert.deepEqual(await readAll(store.timeline('timeline')), []);
  });

  test('the TTL that stands is taken again as it is', ['ttl'], async (fixture) => {
    for (let round = 0; round < 3; round += 1) {
      const store = await fixture.openExpiring({ alter: round === 1 });
      assert.equal(store.ttlMs, fixture.ttlMs);
      await store.close();
    }
    const forEver = await fixture.open({ ttlMs: Number.POSITIVE_INFINITY });
    assert.equal(forEver.ttlMs, undefined);
  });

  test('a TTL that is altered counts for stores that were open before', ['ttl'], async (fixture) => {
    const before = await fixture.openExpiring();
    await before.timeline('timeline').append('m');
    const altered = await fixture.openExpiring({ ttlMs: 3 * fixture.ttlMs, alter: true });
    assert.equal(altered.ttlMs, 3 * fixture.ttlMs);
    await until('the open store follows', () => before.ttlMs === 3 * fixture.ttlMs, 30_000);
    fixture.time += 2 * fixture.ttlMs;
    for (const store of [before, altered]) assert.deepEqual(messages(await readAll(store.timeline('timeline'))), ['m']);
    fixture.time += 2 * fixture.ttlMs;
    for (const store of [before, altered]) assert.deepEqual(await readAll(store.timeline('timeline')), []);
  });

  test(
    'a TTL that is taken away keeps what is there, in stores that were open before too',
    ['ttl'],
    async (fixture) => {
      const before = await fixture.openExpiring();
      await before.timeline('timeline').append('m');
      const altered = await fixture.openExpiring({ ttlMs: Number.POSITIVE_INFINITY, alter: true });
      assert.equal(altered.ttlMs, undefined);
      await until('the open store follows', () => before.ttlMs === undefined, 30_000);
      fixture.time += 10 * fixture.ttlMs;
      for (const store of [before, altered])
        assert.deepEqual(messages(await readAll(store.timeline('timeline'))), ['m']);
    },
  );

  test('they outlive a restart', ['ttl', 'reopen'], async (fixture) => {
    const store = await fixture.openExpiring();
    await store.timeline('timeline').append('m');
    await store.close();
    await rejects(fixture.reopen({ name: 'expiring', ttlMs: fixture.ttlMs + 1 }), 'TIMELINE_INVALID_ARGUMENT');
    const again = await fixture.reopen({ name: 'expiring' });
    assert.equal(again.ttlMs, fixture.ttlMs);
    assert.deepEqual(messages(await readAll(again.timeline('timeline'))), ['m']);
  });

  test('several that create a library at once agree', ['ttl'], async (fixture) => {
    const asked = [1, 2, 3, 4].map((factor) => factor * fixture.ttlMs);
    const opened = await Promise.allSettled(asked.map((ttlMs) => fixture.open({ name: 'contested', ttlMs })));
    const stands = (await fixture.open({ name: 'contested' })).ttlMs;
    opened.forEach((result, index) => {
      const expected = asked[index] === stands ? 'fulfilled' : 'rejected';
      assert.equal(result.status, expected, `opened with ${asked[index]}, while ${stands} stands`);
    });
    assert.ok(stands !== undefined && asked.includes(stands), `${stands} stands`);
  });
});
