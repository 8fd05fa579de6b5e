import { describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { openTimelineStore } from '../../src/index.js';
import type { TimelineStore } from '../../src/types.js';
import { decorateAdapter } from '../../testing/index.js';

const BUDGET_MS = 300;

/** A store whose schema answers a message only once the test says so. */
async function openWithSchema(): Promise<{ store: TimelineStore<string>; answer: (message: string) => void }> {
  const answers = new Map<string, () => void>();
  const validate = (value: unknown) =>
    typeof value === 'string' && value.startsWith('slow')
      ? new Promise<{ value: string }>((resolve) => answers.set(value, () => resolve({ value })))
      : { value: value as string };
  const adapter = decorateAdapter(memoryAdapter(), (library) => ({
    capabilities: { ...library.capabilities, budgetMs: BUDGET_MS },
  }));
  const schema = { '~standard': { version: 1 as const, vendor: 'test', validate } };
  const store = await openTimelineStore<string>({ adapter, name: 'x', schema });
  return { store, answer: (message) => answers.get(message)?.() };
}

const messagesOf = async (store: TimelineStore<string>, timeline: string) =>
  (await store.timeline(timeline).read()).entries.map(({ message }) => message);

describe('a schema that takes its time', () => {
  it('holds back its own Timeline only', async () => {
    const { store, answer } = await openWithSchema();
    const slow = store.timeline('a').append('slow');
    const behind = store.timeline('a').append('behind');
    await store.timeline('b').append('other');
    expect(await messagesOf(store, 'a')).toEqual([]);
    answer('slow');
    expect([(await slow).seqId, (await behind).seqId]).toEqual([1n, 2n]);
    expect(await messagesOf(store, 'a')).toEqual(['slow', 'behind']);
    await store.close();
  });

  it('is not waited for once its append was aborted', async () => {
    const { store } = await openWithSchema();
    const abort = new AbortController();
    const slow = store.timeline('a').append('slow', { signal: abort.signal });
    const behind = store.timeline('a').append('behind');
    abort.abort();
    await expect(slow).rejects.toMatchObject({ code: 'TIMELINE_ABORTED', outcome: 'not-applied' });
    expect((await behind).seqId).toBe(1n);
    await store.flush();
    await store.close();
  });

  it('keeps call order among several, whichever answers first', async () => {
    const { store, answer } = await openWithSchema();
    const work = ['slow1', 'x', 'slow2', 'y'].map((text) => store.timeline('a').append(text));
    answer('slow2');
    answer('slow1');
    await Promise.all(work);
    expect(await messagesOf(store, 'a')).toEqual(['slow1', 'x', 'slow2', 'y']);
    await store.close();
  });

  it('takes no room from those that can be written', async () => {
    const { store } = await openWithSchema();
    const stuck = Promise.allSettled(Array.from({ length: 20_000 }, (_, i) => store.timeline(`t${i}`).append('slow')));
    expect((await store.timeline('free').append('m')).seqId).toBe(1n);
    await store.close();
    expect((await stuck).every(({ status }) => status === 'rejected')).toBe(true);
  });

  it('does not keep a store from closing', async () => {
    const { store } = await openWithSchema();
    const outcomes = Promise.allSettled([store.timeline('a').append('slow'), store.timeline('a').append('behind')]);
    const start = performance.now();
    await store.close();
    expect(performance.now() - start).toBeLessThan(BUDGET_MS * 1.1 + 150);
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ reason: { code: 'TIMELINE_UNAVAILABLE', outcome: 'not-applied' } });
    }
  });
});
