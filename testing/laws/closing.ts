import assert from 'node:assert/strict';
import type { TimelineStore } from '../../src/types.js';
import { hasCode, messages, readAll, rejects, succeeded, take, within } from '../assertions.js';
import type { Fixture } from '../fixture.js';
import { law } from '../law-group.js';

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`);

/** Opens a store whose adapter blocks appends until `release`; records the calls in flight at each close. */
async function openObserved(
  fixture: Fixture,
): Promise<{ store: TimelineStore<string>; release: () => void; closes: number[] }> {
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
  const store = await fixture.openDecorated((library) => ({
    append: (writes, call) => counted(() => gate.then(() => library.append(writes, call))),
    read: (ranges, call) => counted(() => library.read(ranges, call)),
    close(call) {
      closes.push(underWay);
      return library.close(call);
    },
  }));
  return { store, release, closes };
}

export const closing = law('Closing', 'close completes accepted calls and refuses later ones', (test) => {
  test('accepted appends are written', async (fixture) => {
    const store = await fixture.open();
    const appends = numbered(100).map((message) => store.timeline('timeline').append(message));
    await store.close();
    await Promise.all(appends);
    assert.deepEqual(messages(await readAll(fixture.timeline())), numbered(100));
  });

  test('appends that wait for room are written too', async (fixture) => {
    const store = await fixture.open({ limits: { pendingWrites: 2 } });
    const appends = numbered(30).map((message) => store.timeline('timeline').append(message));
    await within('close', store.close());
    const attempts = await Promise.allSettled(appends);
    assert.ok(
      attempts.every((attempt) => attempt.status === 'fulfilled'),
      'an accepted append was not written',
    );
    assert.deepEqual(messages(await readAll(fixture.timeline())), numbered(30));
  });

  test('the adapter is closed once, with nothing under way', async (fixture) => {
    const { store, release, closes } = await openObserved(fixture);
    const calls = [store.timeline('timeline').append('m'), store.timeline('timeline').read(), store.close()];
    release();
    await Promise.all(calls);
    await store.close();
    assert.deepEqual(closes, [0]);
  });

  test('later calls are refused', async (fixture) => {
    const store = await fixture.open();
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
    assert.deepEqual(messages(await readAll(fixture.timeline())), ['m']);
  });

  test('closing again is harmless, and waits for the first', async (fixture) => {
    const { store, release, closes } = await openObserved(fixture);
    const append = store.timeline('timeline').append('m');
    const order: string[] = [];
    const closings = [store.close(), store.close()].map((close) => close.then(() => order.push('closed')));
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(order, []);
    release();
    await Promise.all([append, ...closings]);
    assert.equal(closes.length, 1);
  });

  test('await using closes it', async (fixture) => {
    const store = await fixture.open();
    await store[Symbol.asyncDispose]();
    await rejects(store.timeline('timeline').append('late'), 'TIMELINE_CLOSED');
  });

  test('flush resolves once all accepted appends have succeeded or failed', async (fixture) => {
    const { store, release } = await openObserved(fixture);
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

  test('flush waits for the others when the last append is aborted', async (fixture) => {
    const { store, release } = await openObserved(fixture);
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

  test('flush of an idle store resolves, and does not close it', async (fixture) => {
    await fixture.store.flush();
    await fixture.timeline().append('m');
    await fixture.store.flush();
    assert.deepEqual(messages(await readAll(fixture.timeline())), ['m']);
  });

  test('one store closed, another on the same library goes on', async (fixture) => {
    const other = await fixture.open();
    await other.timeline('timeline').append('a');
    await other.close();
    await fixture.timeline().append('b');
    assert.deepEqual(messages(await readAll(fixture.timeline())), ['a', 'b']);
  });

  test('the library can be opened again with the same data', async (fixture) => {
    const first = await fixture.open({ name: 'again' });
    await first.timeline('timeline').append('a');
    await first.close();
    const second = await fixture.open({ name: 'again' });
    await second.timeline('timeline').append('b');
    assert.deepEqual(messages(await readAll(second.timeline('timeline'))), ['a', 'b']);
  });
});

function refusedByCapability(store: TimelineStore<string>): (() => Promise<unknown>)[] {
  const { update, delete: deletes, trim, drop, timelines, checkpoints, signals } = store.capabilities;
  const timeline = store.timeline('timeline');
  return [
    ...(update ? [() => timeline.update(1n, 'late')] : []),
    ...(deletes ? [() => timeline.delete(1n)] : []),
    ...(trim ? [() => timeline.trim({ keepLast: 0 })] : []),
    ...(drop ? [() => timeline.drop()] : []),
    ...(timelines ? [() => take(store.timelines())] : []),
    ...(signals !== 'none' ? [() => store.publish('topic', 'late')] : []),
    ...(checkpoints ? [() => timeline.checkpoint('phone').get(), () => timeline.checkpoint('phone').advance(1n)] : []),
  ];
}
