import assert from 'node:assert/strict';
import { assertGrowing, fill, messages, readAll, rejects, seqIds, until } from '../assertions.js';
import { law } from '../law-group.js';

const numbered = (count: number, prefix = 'm') => Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);

export const atomicAppend = law('Atomic append', 'appendMany is all or nothing, consecutive and in order', (test) => {
  test('all messages are there in order, none between them', ['atomicBatch'], async (fixture) => {
    const size = Math.min(fixture.capabilities.atomicBatch, 50);
    const results = await fixture.timeline().appendMany(numbered(size));
    assertGrowing(seqIds(results));
    const entries = await readAll(fixture.timeline());
    assert.deepEqual(seqIds(entries), seqIds(results));
    assert.deepEqual(messages(entries), numbered(size));
    assert.deepEqual(
      results.map((result) => result.cursor),
      entries.map((entry) => entry.cursor),
    );
  });

  test('batches of concurrent writers never mix', ['atomicBatch'], async (fixture) => {
    const size = Math.min(fixture.capabilities.atomicBatch, 5);
    const handles = [fixture.timeline(), (await fixture.open()).timeline('timeline')];
    await Promise.all(
      handles.flatMap((timeline, writer) => [
        ...numbered(15, `${writer}-`).map((batch) => timeline.appendMany(numbered(size, `${batch}:`))),
        fill(timeline, 10, `single ${writer}-`),
      ]),
    );
    const stored = messages(await readAll(fixture.timeline())).filter((message) => message.includes(':'));
    const all = messages(await readAll(fixture.timeline()));
    assert.equal(stored.length, 2 * 15 * size);
    for (let at = 0; at < all.length; ) {
      const batch = all[at]!.split(':')[0]!;
      if (!all[at]!.includes(':')) at += 1;
      else {
        assert.deepEqual(all.slice(at, at + size), numbered(size, `${batch}:`));
        at += size;
      }
    }
  });

  test('no reader ever sees a part of a batch', ['atomicBatch'], async (fixture) => {
    const size = Math.min(fixture.capabilities.atomicBatch, 7);
    const writer = (await fixture.open()).timeline('timeline');
    let finished = false;
    const writing = (async () => {
      for (let batch = 0; batch < 40; batch += 1) await writer.appendMany(numbered(size));
      finished = true;
    })();
    await until('the writer finishes', async () => {
      const { entries } = await fixture.timeline().read({ limit: 1000 });
      assert.equal(entries.length % size, 0, `a reader saw ${entries.length} entries of batches of ${size}`);
      return finished;
    });
    await writing;
    assert.equal((await readAll(fixture.timeline())).length, 40 * size);
  });

  test('one message that is too large keeps all of them out', ['atomicBatch'], async (fixture) => {
    const timeline = fixture.timeline();
    const tooLarge = 'x'.repeat(fixture.capabilities.maxBodyBytes);
    await rejects(timeline.appendMany(['a', tooLarge]), 'TIMELINE_TOO_LARGE');
    await rejects(timeline.appendMany([tooLarge, 'b']), 'TIMELINE_TOO_LARGE');
    assert.deepEqual(await readAll(timeline), []);
    assert.equal((await timeline.head()).lastSeqId, 0n);
  });

  test('one key that was used for another body keeps all of them out', ['atomicBatch', 'keys'], async (fixture) => {
    const timeline = fixture.timeline();
    const { seqId } = await timeline.append('used', { key: 'used' });
    const error = await rejects(timeline.appendMany(['a', 'other'], { keys: ['ka', 'used'] }), 'TIMELINE_KEY_CONFLICT');
    assert.equal(error.actual, seqId);
    assert.deepEqual(messages(await readAll(timeline)), ['used']);
    const again = await timeline.append('a', { key: 'ka' });
    assert.equal(again.duplicate, false, 'the key of a batch that was not written is remembered');
  });

  test('a failed expectation keeps all of them out', ['atomicBatch', 'expectedLast'], async (fixture) => {
    await fixture.timeline().append('m');
    await rejects(fixture.timeline().appendMany(['a', 'b'], { expectedLast: 0n }), 'TIMELINE_CONFLICT');
    assert.deepEqual(messages(await readAll(fixture.timeline())), ['m']);
  });

  test('the largest batch fits, one message more is refused and not split', ['atomicBatch'], async (fixture) => {
    const largest = Math.min(fixture.capabilities.atomicBatch, 20_000);
    const results = await fixture.timeline().appendMany(numbered(largest));
    assert.equal(results.length, largest);
    assertGrowing(seqIds(results));
    const last = results.at(-1)!.seqId;
    assert.equal((await fixture.timeline().head()).lastSeqId, last);
    const error = await rejects(
      fixture.timeline().appendMany(new Array<string>(fixture.capabilities.atomicBatch + 1).fill('x')),
      'TIMELINE_TOO_LARGE',
    );
    assert.equal(error.limit, fixture.capabilities.atomicBatch);
    assert.equal((await fixture.timeline().head()).lastSeqId, last);
  });

  test('more bytes than declared are refused and not split', ['atomicBatch'], async (fixture) => {
    const { maxAtomicBytes, maxBodyBytes, atomicBatch } = fixture.capabilities;
    const each = Math.min(maxBodyBytes, Math.ceil(maxAtomicBytes / 2) + 1) - 2;
    const count = Math.ceil((maxAtomicBytes + 1) / (each + 2));
    assert.ok(count <= atomicBatch, 'maxAtomicBytes can never be reached');
    const error = await rejects(
      fixture.timeline().appendMany(new Array<string>(count).fill('x'.repeat(each))),
      'TIMELINE_TOO_LARGE',
    );
    assert.equal(error.limit, maxAtomicBytes);
    assert.deepEqual(await readAll(fixture.timeline()), []);
  });

  test('an empty batch is nothing', ['atomicBatch'], async (fixture) => {
    assert.deepEqual(await fixture.timeline().appendMany([]), []);
    assert.equal((await fixture.timeline().head()).lastSeqId, 0n);
  });
});
