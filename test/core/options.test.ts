import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { openTimelineStore } from '../../src/index.js';

const store = await openTimelineStore<unknown>({ adapter: memoryAdapter(), name: 'options' });
const timeline = store.timeline('chat');
const wrong = { kye: 1 } as never;
const calls: Record<string, () => Promise<unknown>> = {
  open: () => openTimelineStore({ adapter: memoryAdapter(), name: 'x', ...(wrong as object) }),
  'open limits': () => openTimelineStore({ adapter: memoryAdapter(), name: 'x', limits: wrong }),
  'open retry': () => openTimelineStore({ adapter: memoryAdapter(), name: 'x', retry: wrong }),
  adapter: async () => memoryAdapter(wrong),
  append: () => timeline.append('x', wrong),
  appendMany: () => timeline.appendMany(['x'], wrong),
  read: () => timeline.read(wrong),
  scan: () => timeline.scan(wrong)[Symbol.asyncIterator]().next(),
  pages: () => timeline.pages(wrong)[Symbol.asyncIterator]().next(),
  subscribe: () => timeline.subscribe(wrong)[Symbol.asyncIterator]().next(),
  get: () => timeline.get(1n, wrong),
  latest: () => timeline.latest(wrong),
  head: () => timeline.head(wrong),
  update: () => timeline.update(1n, 'x', wrong),
  delete: () => timeline.delete(1n, wrong),
  trim: () => timeline.trim(wrong),
  'checkpoint.get': () => timeline.checkpoint('r').get(wrong),
  'checkpoint.advance': () => timeline.checkpoint('r').advance(0n, wrong),
  'checkpoint.reset': () => timeline.checkpoint('r').reset(0n, wrong),
  appendBatch: () => store.appendBatch([], wrong),
  appendToMany: () => store.appendToMany([], 'x', wrong),
  readBatch: () => store.readBatch([], wrong),
  heads: () => store.heads([], wrong),
  timelines: () => store.timelines(wrong)[Symbol.asyncIterator]().next(),
  checkpoints: () => store.checkpoints([], wrong),
  advanceCheckpoints: () => store.advanceCheckpoints([], wrong),
};

it.each(Object.keys(calls))('%s refuses an unknown option by name', async (name) => {
  const error = await calls[name]!().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'TIMELINE_INVALID_ARGUMENT', argument: expect.stringMatching(/kye$/) });
  expect((error as Error).message).toMatch(/^unknown option '.*kye'/);
});

it('suggests the option that was meant, and none that is not close', async () => {
  const messageOf = (options: object) =>
    timeline.append('x', options as never).catch(({ message }: Error) => message) as Promise<string>;
  expect(await messageOf({ expectedlast: 1n })).toBe("unknown option 'expectedlast'; did you mean 'expectedLast'?");
  expect(await messageOf({ kye: 'a' })).toBe("unknown option 'kye'; did you mean 'key'?");
  expect(await messageOf({ colour: 'a' })).toBe("unknown option 'colour'");
  await expect(openTimelineStore({ adapter: memoryAdapter(), name: 'x', ttl: 1 } as never)).rejects.toThrow(
    "unknown option 'ttl'; did you mean 'ttlMs'?",
  );
});

const item = { timeline: 'items' };
const batches: Record<string, () => Promise<unknown>> = {
  readBatch: () => store.readBatch([item, { ...item, limt: 1 } as never]),
  countBatch: () => store.countBatch([item, { ...item, limt: 1 } as never]),
  checkpoints: () => store.checkpoints([{ ...item, reader: 'r', limt: 1 } as never]),
  advanceCheckpoints: () => store.advanceCheckpoints([{ ...item, reader: 'r', to: '', limt: 1 } as never]),
};

it.each(Object.keys(batches))('%s refuses an unknown name in an item', async (name) => {
  await expect(batches[name]!()).rejects.toThrow(/^unknown option 'items\[\d\]\.limt'/);
});

it('an item of appendBatch with an unknown name fails alone', async () => {
  const good = { ...item, message: 'good' };
  const outcomes = await store.appendBatch([good, { ...good, kye: 'k' } as never, good]);
  expect(outcomes).toMatchObject([{ ok: true }, { ok: false, error: { argument: 'items[1].kye' } }, { ok: true }]);
  const [, refused] = outcomes;
  expect(!refused?.ok && refused?.error.message).toContain("did you mean 'items[1].key'?");
});

it('says the least value where there is no greatest', async () => {
  await expect(timeline.read({ limit: 0 })).rejects.toThrow('limit must be at least 1, not 0');
});

it('shows what it is', () => {
  expect(inspect(timeline)).toBe("Timeline { id: 'chat' }");
  expect(inspect(store)).toBe("TimelineStore { name: 'options', adapter: 'memory' }");
});

it('refuses an empty batch of a closed store', async () => {
  const closed = await openTimelineStore({ adapter: memoryAdapter(), name: 'closed' });
  await closed.close();
  await expect(closed.heads([])).rejects.toMatchObject({ code: 'TIMELINE_CLOSED' });
  await expect(closed.readBatch([])).rejects.toMatchObject({ code: 'TIMELINE_CLOSED' });
});
