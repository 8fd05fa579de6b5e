import { describe, expect, it, onTestFinished } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import type { Count } from '../../src/adapter.js';
import { openTimelineStore, TimelineError } from '../../src/index.js';
import { decorateAdapter, type LibraryChanges } from '../../testing/index.js';

type Library = Parameters<Parameters<typeof decorateAdapter>[1]>[0];

async function open(change: (library: Library) => LibraryChanges) {
  const adapter = decorateAdapter(memoryAdapter(), change);
  const store = await openTimelineStore<string>({ adapter, name: 'library' });
  onTestFinished(() => store.close());
  return store;
}

describe('a count by an adapter that cannot count', () => {
  it('reads only as much as it needs, all ranges at once, and goes on where a failed read stopped', async () => {
    const asked: number[][] = [];
    let failures = 0;
    const store = await open((library) => ({
      count: undefined,
      async read(ranges, call) {
        asked.push(ranges.map(({ limit }) => limit));
        if (asked.length === 2 && failures++ === 0)
          throw new TimelineError('TIMELINE_UNAVAILABLE', 'injected', { retryable: true });
        return library.read(ranges, call);
      },
    }));
    await store.timeline('a').appendMany(Array(2500).fill('m'));
    await store.timeline('b').appendMany(Array(10).fill('m'));
    const counts = await store.countBatch([{ timeline: 'a' }, { timeline: 'b', atMost: 3 }, { timeline: 'c' }]);
    expect(counts).toEqual([2500, 3, 0]);
    expect(asked).toEqual([[1000, 3, 1000], [1000], [1000], [1000]]);
  });

  it('stops at an abort', async () => {
    const controller = new AbortController();
    let reads = 0;
    const store = await open((library) => ({
      count: undefined,
      async read(ranges, call) {
        if (++reads === 2) controller.abort();
        return library.read(ranges, call);
      },
    }));
    await store.timeline('a').appendMany(Array(9000).fill('m'));
    await expect(store.timeline('a').count({ signal: controller.signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
    await store.close();
    expect(reads).toBe(2);
  });
});

describe('an adapter that breaks its contract', () => {
  it.each([
    ['too few answers', () => []],
    ['no number', (counts: readonly Count[]) => counts.map((each) => ({ ...each, count: '1' as never }))],
    ['more than was asked for', (counts: readonly Count[]) => counts.map((each) => ({ ...each, count: 9 }))],
    ['no head', (counts: readonly Count[]) => counts.map(({ count }) => ({ count }) as never)],
  ])('by %s is refused', async (_, spoil) => {
    const store = await open((library) => ({
      count: async (ranges, call) => spoil(await library.count!(ranges, call)),
    }));
    await expect(store.timeline('a').count({ atMost: 2 })).rejects.toMatchObject({
      code: 'TIMELINE_UNAVAILABLE',
      message: expect.stringContaining('breaks its contract'),
    });
  });

  it.each(['publish', 'listen'] as const)('by declaring signals without %s is not opened', async (member) => {
    await expect(open(() => ({ [member]: undefined }))).rejects.toMatchObject({
      code: 'TIMELINE_INVALID_ARGUMENT',
      message: expect.stringContaining(member),
    });
  });
});
