import assert from 'node:assert/strict';
import type { TimelineStore } from '../../src/types.js';
import { hasCode, messages, readAll, rejects, succeeded, take, within } from '../assertions.js';
import { law } from '../law-group.js';
import type { World } from '../world.js';

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`);

/** A store whose adapter holds appends back, and notes when its library is closed and what was under way then. */
async function watched(world: World): Promise<{ store: TimelineStore<string>; release: () => void; closes: number[] }> {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  let underWay = 0;
  const closes: number[] = [];
  const counted = async <T>(call: () => Promise<T>): Promise<T> => {
    underWay += 1;
    try {
      return await call();
    } finally {
      underWay -= 1;
    }
  };
  const store = await world.openDecorated((library) => ({
    append: (writes, call) => counted(() => gate.then(() => library.append(writes, call))),
    read: (ranges, call) => counted(() => library.read(ranges, call)),
    close(call) {
      closes.push(underWay);
      return library.close(call);
    },
  }));
  return { store, release, closes };
}

export const closing = law('Closing', 'close settles what was accepted and refuses what comes later', (test) => {
  test('what was accepted before is written', async (world) => {
    const store = await world.open();
    const appends = numbered(100).map((message) => store.timeline('timeline').append(message));
    await store.close();
    await Promise.all(appends);
    assert.deepEqual(messages(await readAll(world.timeline())), numbered(100));
  });

  test('what still waits for room was accepted too', async (world) => {
    const store = await world.open({ limits: { pendingWrites: 2 } });
    const appends = numbered(30).map((message) => store.timeline('timeline').append(message));
    await within('close', store.close());
    const attempts = await Promise.allSettled(appends);
    assert.ok(
      attempts.every((attempt) => attempt.status === 'fulfilled'),
      'an accepted append was not written',
    );
    assert.deepEqual(messages(await readAll(world.timeline())), numbered(30));
  });

  test('the adapter is closed once, with nothing under way', async (world) => {
    const { store, release, closes } = await watched(world);
    const calls = [store.timeline('timeline').append('m'), store.timeline('timeline').read(), store.close()];
    release();
    await Promise.all(calls);
    await store.close();
    assert.deepEqual(closes, [0]);
  });

  test('whatever comes later is refused', async (world) => {
    const store = await world.open();
    const timeline = store.timeline('timeline');
    await timeline.append('m');
    const closed = store.close();
    const refused: (() => Promise<unknown>)[] = [
      () => timeline.append('late'),
      () => timeline.appendMany(['late']),
      () => store.appendBatch([{ timeline: 't', message: 'late' }]).then(([outcome]) => succeeded(outcome)),
      () => store.appendToMany(['t'], 'late').then(([outcome]) => succeeded(outcome)),
      () => timeline.read(),
      () => timeline.head(),
      () => timeline.get(1n),
      () => timeline.latest(),
      () => store.readBatch([{ timeline: 't' }]),
      () => store.heads(['t']),
      () => take(timeline.scan()),
      () => take(timeline.subscribe()),
      ...refusedByCapability(store),
    ];
    for (const late of refused) await rejects(late(), 'TIMELINE_CLOSED');
    await closed;
    for (const late of refused) await rejects(late(), 'TIMELINE_CLOSED');
    assert.deepEqual(messages(await readAll(world.timeline())), ['m']);
  });

  test('closing again is harmless, and waits for the first', async (world) => {
    const { store, release, closes } = await watched(world);
    const append = store.timeline('timeline').append('m');
    const order: string[] = [];
    const closings = [store.close(), store.close()].map((close) => close.then(() => order.push('closed')));
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(order, []);
    release();
    await Promise.all([append, ...closings]);
    assert.equal(closes.length, 1);
  });

  test('await using closes it', async (world) => {
    const store = await world.open();
    await store[Symbol.asyncDispose]();
    await rejects(store.timeline('timeline').append('late'), 'TIMELINE_CLOSED');
  });

  test('flush resolves when all that was accepted before has settled', async (world) => {
    const { store, release } = await watched(world);
    let settled = 0;
    const appends = numbered(20).map((message) =>
      store
        .timeline(message)
        .append(message)
        .finally(() => (settled += 1)),
    );
    let flushed = false;
    const flush = store.flush().then(() => {
      flushed = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(flushed, false);
    release();
    await flush;
    assert.equal(settled, 20);
    await Promise.all(appends);
  });

  test('flush waits for the others when the last append is aborted', async (world) => {
    const { store, release } = await watched(world);
    const abort = new AbortController();
    let settled = false;
    const first = store
      .timeline('a')
      .append('m')
      .then(() => {
        settled = true;
      });
    const last = store
      .timeline('b')
      .append('n', { signal: abort.signal })
      .catch((error: unknown) => hasCode(error, 'TIMELINE_ABORTED'));
    const flush = store.flush().then(() => assert.ok(settled, 'flush did not wait for the first append'));
    abort.abort();
    await last;
    await new Promise((resolve) => setTimeout(resolve, 10));
    release();
    await Promise.all([first, flush]);
  });

  test('flush of an idle store resolves, and does not close it', async (world) => {
    await world.store.flush();
    await world.timeline().append('m');
    await world.store.flush();
    assert.deepEqual(messages(await readAll(world.timeline())), ['m']);
  });

  test('one store closed, another on the same library goes on', async (world) => {
    const other = await world.open();
    await other.timeline('timeline').append('a');
    await other.close();
    await world.timeline().append('b');
    assert.deepEqual(messages(await readAll(world.timeline())), ['a', 'b']);
  });

  test('the library can be opened again and holds what it held', async (world) => {
    const first = await world.open({ name: 'again' });
    await first.timeline('timeline').append('a');
    await first.close();
    const second = await world.open({ name: 'again' });
    await second.timeline('timeline').append('b');
    assert.deepEqual(messages(await readAll(second.timeline('timeline'))), ['a', 'b']);
  });
});

function refusedByCapability(store: TimelineStore<string>): (() => Promise<unknown>)[] {
  const { update, delete: deletes, trim, timelines, checkpoints } = store.capabilities;
  const timeline = store.timeline('timeline');
  return [
    ...(update ? [() => timeline.update(1n, 'late')] : []),
    ...(deletes ? [() => timeline.delete(1n)] : []),
    ...(trim ? [() => timeline.trim({ keepLast: 0 })] : []),
    ...(timelines ? [() => take(store.timelines())] : []),
    ...(checkpoints ? [() => timeline.checkpoint('phone').get(), () => timeline.checkpoint('phone').advance(1n)] : []),
  ];
}
