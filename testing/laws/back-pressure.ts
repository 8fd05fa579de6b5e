import assert from 'node:assert/strict';
import { TimelineError } from '../../src/errors.js';
import type { Codec, PendingLimits, TimelineStore } from '../../src/types.js';
import { messages, readAll, rejects, succeeded, until } from '../assertions.js';
import type { Fixture } from '../fixture.js';
import { law } from '../law-group.js';

/** Opens a store whose adapter blocks appends until `release`; counts encoded messages. */
async function openGated(
  fixture: Fixture,
  limits: PendingLimits,
): Promise<{ store: TimelineStore<string>; encoded: () => number; release: () => void }> {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  let encoded = 0;
  const codec: Codec<string> = {
    encode(message) {
      encoded += 1;
      return message;
    },
    decode: String,
  };
  const store = await fixture.openDecorated<string>(
    (library) => ({ append: (writes, call) => gate.then(() => library.append(writes, call)) }),
    { limits, codec },
  );
  return { store, encoded: () => encoded, release };
}

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`);

/** Leaves time for appends that do not wait for `release`. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

export const backPressure = law(
  'Back-pressure',
  'pending writes are bounded; an invalid entry affects no other',
  (test) => {
    test('beyond the bound in number, append waits before it encodes', async (fixture) => {
      const { store, encoded, release } = await openGated(fixture, { pendingWrites: 10 });
      const appends = numbered(50).map((message) => store.timeline('timeline').append(message));
      await pause();
      assert.equal(encoded(), 10);
      release();
      await Promise.all(appends);
      assert.deepEqual(
        (await readAll(store.timeline('timeline'))).map((entry) => entry.message),
        numbered(50),
      );
    });

    test('beyond the bound in bytes, append waits before it encodes', async (fixture) => {
      const { store, encoded, release } = await openGated(fixture, { pendingBytes: 1000 });
      const appends = numbered(40).map((message) => store.timeline('timeline').append(message.padEnd(100)));
      await pause();
      assert.ok(encoded() >= 10 && encoded() <= 11, `${encoded()} messages of 100 bytes encoded`);
      release();
      await Promise.all(appends);
      assert.equal((await readAll(store.timeline('timeline'))).length, 40);
    });

    test('one body may exceed the bound in bytes', async (fixture) => {
      const store = await fixture.open({ limits: { pendingBytes: 10 } });
      const wanted = ['x'.repeat(500), 'small', 'y'.repeat(500)];
      await Promise.all(wanted.map((message) => store.timeline('timeline').append(message)));
      assert.deepEqual(messages(await readAll(store.timeline('timeline'))), wanted);
    });

    test('the bound covers batches and fan-outs', async (fixture) => {
      const { store, release } = await openGated(fixture, { pendingWrites: 5 });
      const batch = store.appendBatch(numbered(30).map((message, index) => ({ timeline: `t${index % 3}`, message })));
      const fanOut = store.appendToMany(numbered(30), 'm');
      await pause();
      release();
      assert.equal((await batch).map(succeeded).length, 30);
      assert.equal((await fanOut).map(succeeded).length, 30);
    });

    test('an append that waits can be aborted and is never written', async (fixture) => {
      const { store, release } = await openGated(fixture, { pendingWrites: 2 });
      const abort = new AbortController();
      const first = ['a', 'b'].map((message) => store.timeline('timeline').append(message));
      const aborted = rejects(
        store.timeline('timeline').append('aborted', { signal: abort.signal }),
        'TIMELINE_ABORTED',
      );
      const last = store.timeline('timeline').append('c');
      await pause();
      abort.abort();
      assert.equal((await aborted).outcome, 'not-applied');
      release();
      await Promise.all([...first, last]);
      assert.deepEqual(messages(await readAll(store.timeline('timeline'))), ['a', 'b', 'c']);
    });

    test('failed appends release their room', async (fixture) => {
      let failing = true;
      const store = await fixture.openDecorated<string>(
        (library) => ({
          append: (writes, call) =>
            failing
              ? Promise.reject(new TimelineError('TIMELINE_UNAVAILABLE', 'refused'))
              : library.append(writes, call),
        }),
        { limits: { pendingWrites: 3 } },
      );
      const attempts = await Promise.allSettled(
        numbered(20).map((message) => store.timeline('timeline').append(message)),
      );
      assert.ok(attempts.every((attempt) => attempt.status === 'rejected'));
      failing = false;
      await Promise.all(numbered(20).map((message) => store.timeline('timeline').append(message)));
      assert.deepEqual(messages(await readAll(store.timeline('timeline'))), numbered(20));
    });

    test('an append that cannot be encoded or is too large fails alone', async (fixture) => {
      const store = await fixture.open<unknown>();
      const timeline = store.timeline('timeline');
      const cycle: { self?: unknown } = {};
      cycle.self = cycle;
      const attempts = await Promise.allSettled([
        timeline.append('a'),
        timeline.append(cycle),
        timeline.append('b'),
        timeline.append('x'.repeat(fixture.capabilities.maxBodyBytes)),
        timeline.append('c'),
      ]);
      assert.deepEqual(
        attempts.map((attempt) => attempt.status),
        ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
      );
      assert.deepEqual(messages(await readAll(timeline)), ['a', 'b', 'c']);
    });

    test('an append that the store refuses fails alone', ['keys'], async (fixture) => {
      await fixture.timeline().append('used', { key: 'k' });
      const attempts = await Promise.allSettled([
        fixture.timeline().append('a'),
        fixture.timeline().append('other', { key: 'k' }),
        fixture.timeline().append('b'),
        fixture.timeline('elsewhere').append('c'),
      ]);
      assert.deepEqual(
        attempts.map((attempt) => attempt.status),
        ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
      );
      assert.deepEqual(messages(await readAll(fixture.timeline())), ['used', 'a', 'b']);
    });

    test('waiting appends are written once there is room, without another call', async (fixture) => {
      const store = await fixture.open({ limits: { pendingWrites: 1 } });
      let done = 0;
      const appends = numbered(30).map((message) =>
        store
          .timeline('timeline')
          .append(message)
          .then(() => (done += 1)),
      );
      await until('all are written', () => done === 30);
      await Promise.all(appends);
      assert.deepEqual(messages(await readAll(store.timeline('timeline'))), numbered(30));
    });
  },
);
