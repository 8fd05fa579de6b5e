import assert from 'node:assert/strict';
import type { TimelineStore } from '../../src/types.js';
import { fill, messages, readAll, rejects } from '../assertions.js';
import type { Fixture, OpenOptions } from '../fixture.js';
import { law } from '../law-group.js';

const DAY_MS = 86_400_000;
/** Longer than any TTL of the kit. */
const FAR_MS = 400 * DAY_MS;
const TOLERANCE_MS = 300_000;

/** Opens a store with a clock that is `clock.wrong` milliseconds ahead, and the default tolerance. */
function openSkewed(
  fixture: Fixture,
  clock: { wrong: number },
  options: OpenOptions<string> = {},
): Promise<TimelineStore<string>> {
  const now = () => Date.now() + clock.wrong;
  return fixture.open({ name: 'skewed', now, clockToleranceMs: TOLERANCE_MS, ...options });
}

function assertNearAcceptedTime(times: readonly number[]): void {
  for (const time of times) {
    const off = time - Date.now();
    assert.ok(Number.isSafeInteger(time) && Math.abs(off) <= TOLERANCE_MS, `an entry is ${off} ms from the present`);
  }
}

export const acceptedTime = law('Accepted time', 'no single clock removes, hides or corrupts anything', (test) => {
  test('a clock that is ahead for a moment removes nothing, and says so', ['ttl', 'keys'], async (fixture) => {
    const clock = { wrong: 0 };
    const store = await openSkewed(fixture, clock, { ttlMs: fixture.ttlMs });
    const timeline = store.timeline('timeline');
    const { seqId } = await timeline.append('m', { key: 'k' });
    clock.wrong = FAR_MS;
    const until = performance.now() + 2000;
    // Leave time for removal.
    while (performance.now() < until) {
      assert.deepEqual(messages(await readAll(timeline)), ['m']);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    clock.wrong = 0;
    assert.deepEqual(messages(await readAll(timeline)), ['m']);
    const again = await timeline.append('m', { key: 'k' });
    assert.deepEqual([again.seqId, again.duplicate], [seqId, true]);
  });

  test('a second store whose clock is ahead removes nothing and hides nothing', ['ttl', 'keys'], async (fixture) => {
    const store = await openSkewed(fixture, { wrong: 0 }, { ttlMs: fixture.ttlMs });
    const { seqId } = await store.timeline('timeline').append('m', { key: 'k' });
    const ahead = await openSkewed(fixture, { wrong: FAR_MS });
    assert.deepEqual(messages(await readAll(ahead.timeline('timeline'))), ['m']);
    const again = await ahead.timeline('timeline').append('m', { key: 'k' });
    assert.deepEqual([again.seqId, again.duplicate], [seqId, true]);
    await ahead.close();
    assert.deepEqual(messages(await readAll(store.timeline('timeline'))), ['m']);
  });

  test(
    'a clock that is ahead when a library is opened again removes nothing',
    ['ttl', 'keys', 'reopen'],
    async (fixture) => {
      const store = await openSkewed(fixture, { wrong: 0 }, { ttlMs: fixture.ttlMs });
      const { seqId } = await store.timeline('timeline').append('m', { key: 'k' });
      await store.close();
      const now = () => Date.now() + FAR_MS;
      const ahead = await fixture.reopen<string>({ name: 'skewed', now, clockToleranceMs: TOLERANCE_MS });
      assert.deepEqual(messages(await readAll(ahead.timeline('timeline'))), ['m']);
      const again = await ahead.timeline('timeline').append('m', { key: 'k' });
      assert.deepEqual([again.seqId, again.duplicate], [seqId, true]);
    },
  );

  for (const [where, wrong] of [
    ['ahead', FAR_MS],
    ['behind', -FAR_MS],
  ] as const) {
    test(`an append by a clock that is ${where} takes the library's time`, async (fixture) => {
      const store = await openSkewed(fixture, { wrong: 0 });
      await store.timeline('timeline').append('before');
      const skewed = await openSkewed(fixture, { wrong });
      await skewed.timeline('timeline').append('skewed');
      await store.timeline('timeline').append('after');
      assertNearAcceptedTime((await readAll(store.timeline('timeline'))).map(({ appendedAt }) => appendedAt));
    });
  }

  test('a time set ahead earlier does not affect later entries', async (fixture) => {
    const now = () => Date.now() + FAR_MS;
    const poisoning = await openSkewed(fixture, { wrong: 0 }, { now, clockToleranceMs: Number.POSITIVE_INFINITY });
    await fill(poisoning.timeline('timeline'), 3, 'poisoned');
    await poisoning.close();
    const store = await openSkewed(fixture, { wrong: 0 });
    await fill(store.timeline('timeline'), 3);
    const entries = await readAll(store.timeline('timeline'));
    assert.equal(entries.length, 6);
    assertNearAcceptedTime(entries.slice(3).map(({ appendedAt }) => appendedAt));
  });

  test('times along a Timeline that was set ahead become sane, so that it can expire', ['ttl'], async (fixture) => {
    const now = () => Date.now() + FAR_MS;
    const trusting = { clockToleranceMs: Number.POSITIVE_INFINITY };
    const poisoning = await openSkewed(fixture, { wrong: 0 }, { now, ...trusting, ttlMs: fixture.ttlMs });
    await fill(poisoning.timeline('timeline'), 3, 'poisoned');
    await poisoning.close();
    const store = await openSkewed(fixture, { wrong: 0 });
    await store.timeline('timeline').append('after');
    assertNearAcceptedTime((await readAll(store.timeline('timeline'))).map(({ appendedAt }) => appendedAt));
  });

  test('fractions of a millisecond are cut off', async (fixture) => {
    const ttlMs = fixture.capabilities.minTtlMs === null ? undefined : fixture.ttlMs;
    const store = await fixture.open<string>({ name: 'fractions', now: () => fixture.time + 0.75, ttlMs });
    await fill(store.timeline('timeline'), 3);
    for (const { appendedAt } of await readAll(store.timeline('timeline'))) assert.ok(Number.isSafeInteger(appendedAt));
    await store.timeline('timeline').append('more');
    assert.equal(
      (await store.timeline('timeline').head()).firstSeqId,
      (await readAll(store.timeline('timeline')))[0]?.seqId,
    );
  });

  test('a clock that gives no time is refused, and does no harm if it turns out later', async (fixture) => {
    for (const answer of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
      await rejects(fixture.open({ name: 'broken', now: () => answer }), 'TIMELINE_INVALID_ARGUMENT');
    }
    let time = fixture.time;
    const store = await fixture.open<string>({ name: 'broken', now: () => time });
    const timeline = store.timeline('timeline');
    await timeline.append('m1');
    time = Number.NaN;
    await timeline.append('m2');
    const entries = await readAll(timeline);
    assert.deepEqual(messages(entries), ['m1', 'm2']);
    assert.ok(entries.every(({ appendedAt }) => Number.isSafeInteger(appendedAt)));
  });
});
