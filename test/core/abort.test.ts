import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { openTimelineStore } from '../../src/index.js';

describe('one signal for many waits', () => {
  it('gets one listener, ends every subscription, and nothing is kept of those that ended before', async () => {
    const store = await openTimelineStore<number>({ adapter: memoryAdapter(), name: 'x' });
    const timeline = store.timeline('t');
    const abort = new AbortController();
    const waits = Array.from({ length: 50 }, () =>
      timeline.subscribe({ signal: abort.signal })[Symbol.asyncIterator]().next(),
    );
    await Promise.all(Array.from({ length: 50 }, (_, i) => timeline.append(i, { signal: abort.signal })));
    expect((await Promise.all(waits)).map(({ value }) => value?.seqId)).toEqual(Array.from({ length: 50 }, () => 1n));
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1);
    const ends = Promise.allSettled(
      Array.from({ length: 50 }, () =>
        timeline.subscribe({ after: 50n, signal: abort.signal })[Symbol.asyncIterator]().next(),
      ),
    );
    abort.abort();
    for (const end of await ends)
      expect(end).toMatchObject({ status: 'rejected', reason: { code: 'TIMELINE_ABORTED' } });
    await store.close();
  });

  it('ends a subscription at once, even with entries in hand', async () => {
    const store = await openTimelineStore<number>({ adapter: memoryAdapter(), name: 'x' });
    await store.timeline('t').appendMany([1, 2, 3]);
    const abort = new AbortController();
    const seen: number[] = [];
    const run = async () => {
      for await (const { message } of store.timeline('t').subscribe({ signal: abort.signal })) {
        seen.push(message);
        abort.abort();
      }
    };
    await expect(run()).rejects.toMatchObject({ name: 'AbortError' });
    expect(seen).toEqual([1]);
  });
});
