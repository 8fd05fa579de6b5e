import assert from 'node:assert/strict';
import { TimelineError } from '../../src/errors.js';
import type { Codec, PendingLimits, TimelineStore } from '../../src/types.js';
import { messages, readAll, rejects, succeeded, until } from '../assertions.js';
import { law } from '../law-group.js';
import type { World } from '../world.js';

/** A store whose adapter takes no append until it is let go; it counts what was encoded. */
async function gated(
  world: World,
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
  const store = await world.openDecorated<string>(
    (library) => ({ append: (writes, call) => gate.then(() => library.append(writes, call)) }),
    { limits, codec },
  );
  return { store, encoded: () => encoded, release };
}

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`);

/** Time for whatever is going to happen without being let go. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

export const backPressure = law(
  'Back-pressure',
  'pending writes are bounded; one bad entry poisons no other',
  (test) => {
    test('beyond the bound in number, append waits before it encodes', async (world) => {
      const { store, encoded, release } = await gated(world, { pendingWrites: 10 });
      const appends = numbered(50).map((message) => store.timeline('timeline').append(message));
      await settle();
      assert.equal(encoded(), 10);
      release();
      await Promise.all(appends);
      assert.deepEqual(
        (await readAll(store.timeline('timeline'))).map((entry) => entry.message),
        numbered(50),
      );
    });

    test('beyond the bound in bytes, append waits before it encodes', async (world) => {
      const { store, encoded, release } = await gated(world, { pendingBytes: 1000 });
      const appends = numbered(40).map((message) => store.timeline('timeline').append(message.padEnd(100)));
      await settle();
      assert.ok(encoded() >= 10 && encoded() <= 11, `${encoded()} messages of 100 bytes encoded`);
      release();
      await Promise.all(appends);
      assert.equal((await readAll(store.timeline('timeline'))).length, 40);
    });

    test('one body may exceed the bound in bytes', async (world) => {
      const store = await world.open({ limits: { pendingBytes: 10 } });
      const wanted = ['x'.repeat(500), 'small', 'y'.repeat(500)];
      await Promise.all(wanted.map((message) => store.timeline('timeline').append(message)));
      assert.deepEqual(messages(await readAll(store.timeline('timeline'))), wanted);
    });

    test('the bound covers batches and fan-outs', async (world) => {
      const { store, release } = await gated(world, { pendingWrites: 5 });
      const batch = store.appendBatch(numbered(30).map((message, index) => ({ timeline: `t${index % 3}`, message })));
      const fanOut = store.appendToMany(numbered(30), 'm');
      await settle();
      release();
      assert.equal((await batch).map(succeeded).length, 30);
      assert.equal((await fanOut).map(succeeded).length, 30);
    });

    test('an append that waits can be aborted and is never written', async (world) => {
      const { store, release } = await gated(world, { pendingWrites: 2 });
      const abort = new AbortController();
      const first = ['a', 'b'].map((message) => store.timeline('timeline').append(message));
      const aborted = rejects(
        store.timeline('timeline').append('aborted', { signal: abort.signal }),
        'TIMELINE_ABORTED',
      );
      const last = store.timeline('timeline').append('c');
      await settle();
      abort.abort();
      assert.equal((await aborted).outcome, 'not-applied');
      release();
      await Promise.all([...first, last]);
      assert.deepEqual(messages(await readAll(store.timeline('timeline'))), ['a', 'b', 'c']);
    });

    test('room is given back by what failed too', async (world) => {
      let failing = true;
      const store = await world.openDecorated<string>(
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

    test('an append that cannot be encoded or is too large fails alone', async (world) => {
      const store = await world.open<unknown>();
      const timeline = store.timeline('timeline');
      const cycle: { self?: unknown } = {};
      cycle.self = cycle;
      const attempts = await Promise.allSettled([
        timeline.append('a'),
        timeline.append(cycle),
        timeline.append('b'),
        timeline.append('x'.repeat(world.capabilities.maxBodyBytes)),
        timeline.append('c'),
      ]);
      assert.deepEqual(
        attempts.map((attempt) => attempt.status),
        ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled'],
      );
      assert.deepEqual(messages(await readAll(timeline)), ['a', 'b', 'c']);
    });

    test('an append that the store refuses fails alone', ['keys'], async (world) => {
      await world.timeline().append('used', { key: 'k' });
      const attempts = await Promise.allSettled([
        world.timeline().append('a'),
        world.timeline().append('other', { key: 'k' }),
        world.timeline().append('b'),
        world.timeline('elsewhere').append('c'),
      ]);
      assert.deepEqual(
        attempts.map((attempt) => attempt.status),
        ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
      );
      assert.deepEqual(messages(await readAll(world.timeline())), ['used', 'a', 'b']);
    });

    test('what waits is written as soon as there is room, without another call', async (world) => {
      const store = await world.open({ limits: { pendingWrites: 1 } });
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
