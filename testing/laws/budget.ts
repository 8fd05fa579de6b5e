import assert from 'node:assert/strict';
import { isTimelineError, type TimelineError } from '../../src/errors.js';
import type { TimelineStore } from '../../src/types.js';
import { fill, messages, readAll, take, within } from '../assertions.js';
import type { Fixture } from '../fixture.js';
import { law } from '../law-group.js';

/** Tolerance for a machine that is busy with other tests. */
const SLACK_MS = 250;
const SUBSCRIPTION_MS = 5000;

type Settled = { readonly ok: true } | { readonly ok: false; readonly error: TimelineError };

/** Asserts that the call succeeds or fails with a `TimelineError` within 1.1 budgets. */
async function endsInTime(fixture: Fixture, what: string, run: () => Promise<unknown>): Promise<Settled> {
  const { budgetMs } = fixture.capabilities;
  const start = performance.now();
  const settled = run().then(
    (): Settled => ({ ok: true }),
    (error: unknown): Settled => {
      assert.ok(isTimelineError(error), `${what} failed with ${String(error)}`);
      return { ok: false, error };
    },
  );
  const result = await within(what, settled, 10 * budgetMs);
  const ms = performance.now() - start;
  assert.ok(ms <= budgetMs * 1.1 + SLACK_MS, `${what} took ${Math.round(ms)} ms with a budget of ${budgetMs}`);
  return result;
}

function readCalls(store: TimelineStore<string>): [what: string, run: () => Promise<unknown>][] {
  const timeline = store.timeline('timeline');
  const { timelines, checkpoints } = store.capabilities;
  return [
    ['read', () => timeline.read()],
    ['head', () => timeline.head()],
    ['get', () => timeline.get(1n)],
    ['scan', () => take(timeline.scan(), undefined, 60_000)],
    ['readBatch', () => store.readBatch([{ timeline: 'timeline' }, { timeline: 'other' }])],
    ['heads', () => store.heads(['timeline', 'other'])],
    ['countBatch', () => store.countBatch([{ timeline: 'timeline' }, { timeline: 'other' }])],
    ...(timelines
      ? [['timelines', () => take(store.timelines(), undefined, 60_000)] as [string, () => Promise<unknown>]]
      : []),
    ...(checkpoints ? [['checkpoint', () => timeline.checkpoint('r').get()] as [string, () => Promise<unknown>]] : []),
  ];
}

function writeCalls(store: TimelineStore<string>): [what: string, run: () => Promise<unknown>][] {
  const timeline = store.timeline('timeline');
  const { update, delete: deletion, trim, drop, checkpoints, signals } = store.capabilities;
  const all: [boolean, string, () => Promise<unknown>][] = [
    [true, 'append', () => store.timeline('other').append('silent')],
    [true, 'appendToMany', () => store.appendToMany(['a', 'b'], 'silent')],
    [update, 'update', () => timeline.update(1n, 'silent')],
    [deletion, 'delete', () => store.timeline('other').delete(1n)],
    [trim, 'trim', () => store.timeline('other').trim({ through: 1n })],
    [drop, 'drop', () => store.timeline('other').drop()],
    [checkpoints, 'reset', () => timeline.checkpoint('r').reset(undefined)],
    [signals !== 'none', 'publish', () => store.publish('topic', 'silent')],
  ];
  return all.filter(([can]) => can).map(([, what, run]) => [what, run]);
}

/** Runs a test while the store does not answer. */
async function whileSilent(how: 'silence' | 'stall', fixture: Fixture, run: () => Promise<void>): Promise<void> {
  const restore = await fixture.options[how]!(fixture.adapter);
  try {
    await run();
  } finally {
    await restore();
  }
}

export const budget = law('Budget', 'every call ends within its budget, whatever the store does', (test) => {
  test('every call on a silent store ends in time', ['silence'], async (fixture) => {
    await fill(fixture.timeline(), 3);
    await whileSilent('silence', fixture, async () => {
      const calls = [...readCalls(fixture.store), ...writeCalls(fixture.store)];
      await Promise.all(calls.map(([what, run]) => endsInTime(fixture, what, run)));
    });
    assert.deepEqual(messages(await readAll(fixture.timeline())).slice(-2), ['m2', 'm3']);
  });

  test('closing on a silent store ends in time, with calls under way', ['silence'], async (fixture) => {
    const store = await fixture.open<string>();
    await fill(store.timeline('timeline'), 3);
    await whileSilent('silence', fixture, async () => {
      const calls = [...readCalls(store), ...writeCalls(store)].map(([what, run]) => endsInTime(fixture, what, run));
      await endsInTime(fixture, 'close', () => store.close());
      await Promise.all(calls);
    });
  });

  test('opening on a silent store ends in time', ['silence', 'reopen'], async (fixture) => {
    await whileSilent('silence', fixture, async () => {
      await endsInTime(fixture, 'opening', () => fixture.reopen());
    });
  });

  test(
    'a write with a key that was not answered is there once when it is repeated',
    ['silence', 'keys'],
    async (fixture) => {
      await fill(fixture.timeline(), 3);
      await whileSilent('silence', fixture, async () => {
        await endsInTime(fixture, 'a keyed append', () => fixture.timeline().append('keyed', { key: 'k' }));
      });
      await fixture.timeline().append('keyed', { key: 'k' });
      await fixture.timeline().append('last');
      assert.deepEqual(messages(await readAll(fixture.timeline())), ['m1', 'm2', 'm3', 'keyed', 'last']);
    },
  );

  test('a subscription continues once the store answers again', ['silence'], async (fixture) => {
    const reader = await fixture.open<string>({ pollMs: 500 });
    const stream = reader.timeline('timeline').subscribe()[Symbol.asyncIterator]();
    await fixture.timeline().append('before');
    assert.equal((await within('the first entry', stream.next())).value?.message, 'before');
    const next = stream.next();
    await whileSilent('silence', fixture, async () => {
      await endsInTime(fixture, 'an append', () => fixture.store.timeline('other').append('silent'));
    });
    const deadline = performance.now() + 500 + SUBSCRIPTION_MS + SLACK_MS;
    // Silent connections may stay silent: the outcome of a write over one would be unknown.
    const writer = await fixture.reopenOrOpen();
    await writer.timeline('timeline').append('after');
    const { value } = await within('the entry after the silence', next, deadline - performance.now());
    assert.equal(value?.message, 'after');
    await stream.return?.();
  });

  test(
    'where only open connections are silent, reads and keyed writes succeed within the budget',
    ['stall', 'keys'],
    async (fixture) => {
      await fill(fixture.timeline(), 3);
      await whileSilent('stall', fixture, async () => {
        const keyed = () => fixture.timeline().append('keyed', { key: 'k' });
        const calls: [string, () => Promise<unknown>][] = [...readCalls(fixture.store), ['a keyed append', keyed]];
        const results = await Promise.all(
          calls.map(async ([what, run]) => [what, await endsInTime(fixture, what, run)] as const),
        );
        for (const [what, result] of results) {
          assert.ok(result.ok, `${what} failed: ${result.ok ? '' : result.error.message}`);
        }
      });
      assert.deepEqual(messages(await readAll(fixture.timeline())), ['m1', 'm2', 'm3', 'keyed']);
    },
  );

  test('a subscription over a silent connection recovers', ['stall'], async (fixture) => {
    const reader = await fixture.open<string>({ pollMs: 500 });
    const stream = reader.timeline('timeline').subscribe()[Symbol.asyncIterator]();
    await fixture.timeline().append('before');
    assert.equal((await within('the first entry', stream.next())).value?.message, 'before');
    const next = stream.next();
    await whileSilent('stall', fixture, async () => {
      const start = performance.now();
      const writer = await fixture.reopenOrOpen();
      await endsInTime(fixture, 'an append', () => writer.timeline('timeline').append('after'));
      const left = start + 500 + SUBSCRIPTION_MS + fixture.capabilities.budgetMs - performance.now();
      assert.equal((await within('the entry on a new connection', next, left)).value?.message, 'after');
    });
    await stream.return?.();
  });
});
