import assert from 'node:assert/strict';
import type { Write } from '../../src/adapter.js';
import { fill, messages, readAll, seqIds, succeeded } from '../assertions.js';
import { law } from '../law-group.js';

const inboxes = (count: number) => Array.from({ length: count }, (_, index) => `inbox:${index}`);

export const fanOut = law('Fan-out', 'one message goes to many Timelines', (test) => {
  test('every Timeline gets it with its own SeqId', async (fixture) => {
    await fill(fixture.timeline('inbox:3'), 5);
    const ids = inboxes(20);
    const outcomes = (await fixture.store.appendToMany(ids, 'to all')).map(succeeded);
    for (const [index, id] of ids.entries()) {
      const latest = await fixture.timeline(id).latest();
      assert.deepEqual([latest?.message, latest?.seqId], ['to all', outcomes[index]?.seqId]);
    }
    assert.equal((await readAll(fixture.timeline('inbox:3'))).length, 6);
  });

  test('a thousand Timelines at once', async (fixture) => {
    const ids = inboxes(1000);
    (await fixture.store.appendToMany(ids, 'x'.repeat(2000))).forEach(succeeded);
    const pages = await fixture.store.readBatch(ids.map((timeline) => ({ timeline })));
    assert.ok(pages.every((page) => page.entries.length === 1 && page.entries[0]?.message.length === 2000));
  });

  test('fan-outs issued together reach every Timeline in call order', async (fixture) => {
    const ids = inboxes(10);
    const wanted = Array.from({ length: 30 }, (_, index) => `m${index}`);
    await Promise.all(wanted.map((message) => fixture.store.appendToMany(ids, message)));
    for (const id of ids) assert.deepEqual(messages(await readAll(fixture.timeline(id))), wanted);
  });

  test('a Timeline that cannot be written fails alone', async (fixture) => {
    const outcomes = await fixture.store.appendToMany(['a', '', 'b'], 'm');
    assert.deepEqual(
      outcomes.map((outcome) => outcome.ok),
      [true, false, true],
    );
    for (const id of ['a', 'b']) assert.deepEqual(messages(await readAll(fixture.timeline(id))), ['m']);
  });

  test('a Timeline named twice gets it twice', async (fixture) => {
    (await fixture.store.appendToMany(['a', 'b', 'a'], 'm')).forEach(succeeded);
    assert.deepEqual(messages(await readAll(fixture.timeline('a'))), ['m', 'm']);
    assert.deepEqual(messages(await readAll(fixture.timeline('b'))), ['m']);
  });

  test('a Timeline named twice gets it once if it has a key', ['keys'], async (fixture) => {
    const outcomes = (await fixture.store.appendToMany(['a', 'b', 'a'], 'm', { key: 'k' })).map(succeeded);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.duplicate),
      [false, false, true],
    );
    assert.deepEqual(messages(await readAll(fixture.timeline('a'))), ['m']);
  });

  test('the body is encoded once and crosses the adapter contract once', async (fixture) => {
    let encoded = 0;
    const encode = (message: string) => {
      encoded += 1;
      return message;
    };
    const writes: Write[] = [];
    const store = await fixture.openDecorated<string>(
      (library) => ({
        append(given, call) {
          writes.push(...given);
          return library.append(given, call);
        },
      }),
      { codec: { encode, decode: String } },
    );
    await store.appendToMany(inboxes(50), 'm');
    const payloads = new Set(writes.flatMap((write) => write.entries.map((entry) => entry.payload)));
    assert.deepEqual([encoded, writes.length, payloads.size], [1, 50, 1]);
    assert.deepEqual(
      [...payloads].map((payload) => payload.shared),
      [true],
    );
  });

  test('an update in one Timeline leaves the copies of others as they are', ['update'], async (fixture) => {
    const ids = inboxes(5);
    const outcomes = (await fixture.store.appendToMany(ids, 'm')).map(succeeded);
    await fixture.timeline(ids[2]!).update(outcomes[2]!.seqId, 'edited');
    const latest = await Promise.all(ids.map((id) => fixture.timeline(id).latest()));
    assert.deepEqual(
      latest.map((entry) => entry?.message),
      ['m', 'm', 'edited', 'm', 'm'],
    );
    assert.deepEqual(
      latest.map((entry) => entry?.revision),
      [0, 0, 1, 0, 0],
    );
  });

  test('deletions, one after another, leave the copies of others until the last', ['delete'], async (fixture) => {
    const ids = inboxes(4);
    const outcomes = (await fixture.store.appendToMany(ids, 'm')).map(succeeded);
    for (const [index, id] of ids.entries()) {
      await fixture.timeline(id).delete(outcomes[index]!.seqId);
      const latest = await Promise.all(ids.map((each) => fixture.timeline(each).latest()));
      assert.deepEqual(
        latest.map((entry) => entry?.message),
        ids.map((_, at) => (at <= index ? undefined : 'm')),
      );
    }
  });

  test('a trim of one Timeline leaves the copies of others', ['trim'], async (fixture) => {
    const ids = inboxes(4);
    const outcomes = (await fixture.store.appendToMany(ids, 'm')).map(succeeded);
    for (const index of [0, 1, 2]) await fixture.timeline(ids[index]!).trim({ through: outcomes[index]!.seqId });
    assert.deepEqual(messages(await readAll(fixture.timeline(ids[3]!))), ['m']);
    for (const index of [0, 1, 2]) assert.deepEqual(await readAll(fixture.timeline(ids[index]!)), []);
  });

  test('copies and entries of their own stand side by side', async (fixture) => {
    await fixture.timeline('a').append('own 1');
    await fixture.store.appendToMany(['a', 'b'], 'shared');
    await fixture.timeline('a').append('own 2');
    const entries = await readAll(fixture.timeline('a'));
    assert.deepEqual(messages(entries), ['own 1', 'shared', 'own 2']);
    assert.deepEqual(messages((await fixture.timeline('a').read({ reverse: true })).entries), [
      'own 2',
      'shared',
      'own 1',
    ]);
    assert.deepEqual(seqIds([(await fixture.timeline('a').get(entries[1]!.seqId))!]), [entries[1]?.seqId]);
  });
});
