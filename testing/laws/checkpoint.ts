import assert from 'node:assert/strict';
import { fill, messages, rejects, seqIds } from '../assertions.js';
import { Fixture } from '../fixture.js';
import { law } from '../law-group.js';

export const checkpoint = law('Checkpoint', 'advance is an atomic maximum', (test) => {
  test('a reader has none before the first advance', ['checkpoints'], async (fixture) => {
    await fill(fixture.timeline(), 2);
    assert.equal(await fixture.timeline().checkpoint('phone').get(), undefined);
  });

  test('advance moves forward, never back, and returns the stored position', ['checkpoints'], async (fixture) => {
    const all = await fill(fixture.timeline(), 5);
    const phone = fixture.timeline().checkpoint('phone');
    assert.equal(await phone.advance(all[2]!.cursor), all[2]?.cursor);
    for (const to of [all[0]!.cursor, all[2]!.cursor, all[1]!.seqId, 0n])
      assert.equal(await phone.advance(to), all[2]?.cursor);
    assert.equal(await phone.get(), all[2]?.cursor);
    assert.equal(await phone.advance(all[4]!.seqId), all[4]?.cursor);
    assert.equal(await phone.get(), all[4]?.cursor);
  });

  test('an empty pull moves nothing', ['checkpoints'], async (fixture) => {
    const all = await fill(fixture.timeline(), 3);
    const phone = fixture.timeline().checkpoint('phone');
    await phone.advance(all[2]!.cursor);
    const page = await fixture.timeline().read({ after: await phone.get() });
    assert.deepEqual(page.entries, []);
    assert.equal(await phone.advance(page.next), all[2]?.cursor);
  });

  test('racing devices end at the largest', ['checkpoints'], async (fixture) => {
    const all = await fill(fixture.timeline(), 30);
    const other = await fixture.open();
    const shuffled = all.map((_, index) => all[(index * 17 + 5) % 30]!);
    const answers = await Promise.all(
      shuffled.map(({ cursor }, index) =>
        (index % 2 ? other : fixture.store).timeline('timeline').checkpoint('phone').advance(cursor),
      ),
    );
    assert.equal(await fixture.timeline().checkpoint('phone').get(), all[29]?.cursor);
    assert.ok(answers.includes(all[29]!.cursor));
  });

  test('racing adapters end at the largest', ['checkpoints', 'reopen'], async (fixture) => {
    const all = await fill(fixture.timeline(), 30);
    const stores = [fixture.store, await fixture.reopen()];
    const shuffled = all.map((_, index) => all[(index * 17 + 5) % 30]!);
    await Promise.all(
      shuffled.map(({ cursor }, index) => stores[index % 2]!.timeline('timeline').checkpoint('phone').advance(cursor)),
    );
    for (const store of stores)
      assert.equal(await store.timeline('timeline').checkpoint('phone').get(), all[29]?.cursor);
  });

  test('no reader ever sees it move back', ['checkpoints'], async (fixture) => {
    const all = await fill(fixture.timeline(), 20);
    const order = all.map((result) => result.cursor);
    let highest = -1;
    const watching = (async () => {
      while (highest < 19) {
        const cursor = await fixture.timeline().checkpoint('phone').get();
        const place = cursor === undefined ? -1 : order.indexOf(cursor);
        assert.ok(place >= highest, `it moved from ${highest} to ${place}`);
        highest = place;
      }
    })();
    const advances = order.map((_, index) =>
      fixture
        .timeline()
        .checkpoint('phone')
        .advance(order[(index * 7) % 20]!),
    );
    await Promise.all([watching, ...advances]);
    assert.equal(highest, 19);
  });

  test('reset sets it back, and forgets it', ['checkpoints'], async (fixture) => {
    const all = await fill(fixture.timeline(), 3);
    const phone = fixture.timeline().checkpoint('phone');
    await phone.advance(all[2]!.cursor);
    await phone.reset(all[0]!.cursor);
    assert.equal(await phone.get(), all[0]?.cursor);
    await phone.reset(undefined);
    assert.equal(await phone.get(), undefined);
    assert.equal(await phone.advance(all[1]!.seqId), all[1]?.cursor);
  });

  test('each reader of each Timeline has its own', ['checkpoints'], async (fixture) => {
    const [a, b] = [await fill(fixture.timeline('a'), 3), await fill(fixture.timeline('b'), 3)];
    await fixture.timeline('a').checkpoint('phone').advance(a[2]!.cursor);
    await fixture.timeline('a').checkpoint('tablet').advance(a[0]!.cursor);
    await fixture.timeline('b').checkpoint('phone').advance(b[1]!.cursor);
    const positions = await fixture.store.checkpoints([
      { timeline: 'a', reader: 'phone' },
      { timeline: 'a', reader: 'tablet' },
      { timeline: 'b', reader: 'phone' },
      { timeline: 'b', reader: 'tablet' },
    ]);
    assert.deepEqual(positions, [a[2]?.cursor, a[0]?.cursor, b[1]?.cursor, undefined]);
  });

  test('many advance in one call, in order, and each is a maximum', ['checkpoints'], async (fixture) => {
    const [a, b] = [await fill(fixture.timeline('a'), 3), await fill(fixture.timeline('b'), 3)];
    await fixture.timeline('b').checkpoint('phone').advance(b[2]!.cursor);
    const stands = await fixture.store.advanceCheckpoints([
      { timeline: 'a', reader: 'phone', to: a[1]!.cursor },
      { timeline: 'b', reader: 'phone', to: b[0]!.cursor },
      { timeline: 'a', reader: 'phone', to: a[0]!.cursor },
    ]);
    assert.deepEqual(stands, [a[1]?.cursor, b[2]?.cursor, a[1]?.cursor]);
    assert.deepEqual(await fixture.store.checkpoints([]), []);
    assert.deepEqual(await fixture.store.advanceCheckpoints([]), []);
  });

  test('reader names that look alike are different readers', ['checkpoints'], async (fixture) => {
    const readers = ['phone', 'Phone', 'phone ', 'a/b', 'a:b', "it's", 'é', '💬', '1', 'x'.repeat(255)];
    const all = await fill(fixture.timeline(), readers.length);
    for (const [index, reader] of readers.entries())
      await fixture.timeline().checkpoint(reader).advance(all[index]!.cursor);
    const cursors = await Promise.all(readers.map((reader) => fixture.timeline().checkpoint(reader).get()));
    assert.deepEqual(
      cursors,
      all.map((result) => result.cursor),
    );
  });

  test(
    'a position of another epoch than the one that stands is refused; reset takes it',
    ['checkpoints'],
    async (fixture) => {
      const elsewhere = await Fixture.create(fixture.options);
      try {
        const { cursor: foreign, seqId: foreignSeqId } = (await fill(elsewhere.timeline(), 9)).at(-1)!;
        const all = await fill(fixture.timeline(), 2);
        const phone = fixture.timeline().checkpoint('phone');
        await phone.advance(all[0]!.cursor);
        assert.equal((await rejects(phone.advance(foreign), 'TIMELINE_EPOCH_CHANGED')).actual, all[0]?.seqId);
        assert.equal(await phone.get(), all[0]?.cursor);
        await phone.reset(foreign);
        assert.equal(await phone.get(), foreign);
        const back = phone.advance(all[1]!.cursor);
        assert.equal((await rejects(back, 'TIMELINE_EPOCH_CHANGED')).actual, foreignSeqId);
      } finally {
        await elsewhere.dispose();
      }
    },
  );

  test(
    'a bare SeqId beyond the tail and a cursor of another Timeline are refused',
    ['checkpoints'],
    async (fixture) => {
      const last = (await fill(fixture.timeline(), 2)).at(-1)!.seqId;
      const [other] = await fill(fixture.timeline('other'), 1);
      const phone = fixture.timeline().checkpoint('phone');
      await rejects(phone.advance(last + 1n), 'TIMELINE_ROLLED_BACK');
      await rejects(phone.advance(other!.cursor), 'TIMELINE_INVALID_CURSOR');
      await rejects(phone.advance('nonsense'), 'TIMELINE_INVALID_CURSOR');
      assert.equal(await phone.get(), undefined);
    },
  );

  test('it survives a trim of its entry', ['checkpoints', 'trim'], async (fixture) => {
    const all = await fill(fixture.timeline(), 4);
    await fixture.timeline().checkpoint('phone').advance(all[1]!.cursor);
    await fixture.timeline().trim({ through: all[2]!.seqId });
    const after = await fixture.timeline().checkpoint('phone').get();
    assert.equal(after, all[1]?.cursor);
    const page = await fixture.timeline().read({ after });
    assert.deepEqual([messages(page.entries), page.truncated], [['m4'], { through: all[2]?.seqId }]);
  });

  test('large positions keep their last digit', ['checkpoints', 'manualIds'], async (fixture) => {
    const ids = [2n ** 53n, 2n ** 53n + 1n, 2n ** 53n + 2n];
    const results = [];
    for (const seqId of ids) results.push(await fixture.timeline().append('m', { seqId }));
    const phone = fixture.timeline().checkpoint('phone');
    for (const { cursor } of results) assert.equal(await phone.advance(cursor), cursor);
    assert.equal(await phone.advance(results[1]!.cursor), results[2]?.cursor);
    assert.deepEqual(seqIds(results), ids);
  });

  test('it outlives a restart', ['checkpoints', 'reopen'], async (fixture) => {
    const all = await fill(fixture.timeline(), 3);
    await fixture.timeline().checkpoint('phone').advance(all[1]!.cursor);
    await fixture.restart();
    assert.equal(await fixture.timeline().checkpoint('phone').get(), all[1]?.cursor);
  });
});
