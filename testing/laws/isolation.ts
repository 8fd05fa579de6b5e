import assert from 'node:assert/strict';
import { assertGrowing, fill, messages, readAll, seqIds, take } from '../assertions.js';
import { law } from '../law-group.js';

export const isolation = law('Isolation', 'Timelines do not affect each other', (test) => {
  test('many Timelines written at once hold each its own', async (fixture) => {
    const ids = Array.from({ length: 40 }, (_, index) => `t${index}`);
    const results = await Promise.all(ids.map((id) => fill(fixture.timeline(id), 10, `${id}:`)));
    for (const [index, id] of ids.entries()) {
      const entries = await readAll(fixture.timeline(id));
      assertGrowing(seqIds(results[index]!));
      assert.deepEqual(
        messages(entries),
        Array.from({ length: 10 }, (_, at) => `${id}:${at + 1}`),
      );
      assert.ok(entries.every((entry) => entry.timeline === id));
    }
  });

  test('appending to one moves no other head', async (fixture) => {
    await fill(fixture.timeline('a'), 3);
    const before = await fixture.timeline('a').head();
    await fill(fixture.timeline('b'), 50);
    const after = await fixture.timeline('a').head();
    assert.deepEqual(after.toJSON(), before.toJSON());
  });

  test(
    'trimming, deleting and updating one leaves others as they are',
    ['trim', 'delete', 'update'],
    async (fixture) => {
      const ids = ['a', 'ab', 'a/b', 'b'];
      for (const id of ids) await fill(fixture.timeline(id), 3, `${id}:`);
      const victim = seqIds(await readAll(fixture.timeline('ab')));
      await fixture.timeline('ab').update(victim[2]!, 'edited');
      await fixture.timeline('ab').delete(victim[1]!);
      await fixture.timeline('ab').trim({ through: victim[0]! });
      for (const id of ['a', 'a/b', 'b'])
        assert.deepEqual(
          messages(await readAll(fixture.timeline(id))),
          [1, 2, 3].map((n) => `${id}:${n}`),
        );
      await fixture.timeline('ab').trim({ keepLast: 0 });
      for (const id of ['a', 'a/b', 'b']) assert.equal((await readAll(fixture.timeline(id))).length, 3);
    },
  );

  test('a subscriber of one gets nothing of another', async (fixture) => {
    const received = take(fixture.timeline('a').subscribe(), 20);
    await Promise.all([fill(fixture.timeline('b'), 50, 'b'), fill(fixture.timeline('a'), 20, 'a')]);
    assert.ok((await received).every((entry) => entry.message.startsWith('a') && entry.timeline === 'a'));
  });

  test('two libraries of one adapter share nothing but the store', async (fixture) => {
    const other = await fixture.open({ name: 'another-library' });
    await fill(fixture.timeline('t'), 3, 'one-');
    await fill(other.timeline('t'), 2, 'two-');
    assert.deepEqual(messages(await readAll(fixture.timeline('t'))), ['one-1', 'one-2', 'one-3']);
    assert.deepEqual(messages(await readAll(other.timeline('t'))), ['two-1', 'two-2']);
  });

  test('names of libraries that look alike are different libraries', async (fixture) => {
    const names = ['lib', 'lib2', 'LIB', 'lib ', 'lib_', "li'b", 'lib/t', 'lib:t', 'lîb', 'x'.repeat(255)];
    const stores = await Promise.all(names.map((name) => fixture.open({ name })));
    for (const [index, store] of stores.entries()) await store.timeline('t').append(names[index]!);
    for (const [index, store] of stores.entries())
      assert.deepEqual(messages(await readAll(store.timeline('t'))), [names[index]]);
  });

  test('keys and checkpoints of two libraries are apart', ['keys', 'checkpoints'], async (fixture) => {
    const other = await fixture.open({ name: 'another-library' });
    const first = await fixture.timeline('t').append('m', { key: 'k' });
    await fixture.timeline('t').checkpoint('phone').advance(first.cursor);
    assert.equal((await other.timeline('t').append('different', { key: 'k' })).duplicate, false);
    assert.equal(await other.timeline('t').checkpoint('phone').get(), undefined);
  });

  test('the TTL of one library binds no other', ['ttl'], async (fixture) => {
    const expiring = await fixture.openExpiring();
    await fill(expiring.timeline('t'), 2);
    await fill(fixture.timeline('t'), 2);
    fixture.time += fixture.ttlMs + 1;
    assert.deepEqual(await readAll(expiring.timeline('t')), []);
    assert.equal((await readAll(fixture.timeline('t'))).length, 2);
  });

  test('a trim in one library leaves the other as it is', ['trim'], async (fixture) => {
    const other = await fixture.open({ name: 'another-library' });
    await fill(fixture.timeline('t'), 3);
    const all = await fill(other.timeline('t'), 3);
    await other.timeline('t').trim({ through: all[2]!.seqId });
    assert.equal((await readAll(fixture.timeline('t'))).length, 3);
  });
});
