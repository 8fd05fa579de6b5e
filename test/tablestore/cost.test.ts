import { expect, it } from 'vitest';
import type { TableStoreAdapterOptions } from '../../adapters/tablestore/index.js';
import { counted, emulate, open } from './support.js';

const inboxes = Array.from({ length: 500 }, (_, i) => `inbox:${i}`);

async function opened(adapter: TableStoreAdapterOptions) {
  const emulator = await emulate();
  const { client, counts, reset } = counted(emulator);
  const store = await open(emulator, { settleMs: 0, ...adapter }, { client });
  await store.appendToMany(inboxes, 'first');
  const cost = async (run: () => Promise<unknown>) => {
    reset();
    await run();
    return { ...counts };
  };
  return { store, cost };
}

it.each(['cas', 'auto'] as const)(
  'with %s an append is one request, and a page or a poll at the tail one',
  async (sequence) => {
    const { store, cost } = await opened({ sequence });
    const timeline = store.timeline('inbox:0');
    expect(await cost(() => timeline.append('m'))).toEqual({ batchWriteRow: 1 });
    for (let i = 0; i < 300; i += 100)
      await store.appendBatch(Array.from({ length: 100 }, () => ({ timeline: 'inbox:0', message: 'm' })));
    const page = await timeline.read();
    expect(await cost(() => timeline.read({ after: page.next, limit: 100 }))).toEqual({ getRange: 1 });
    const tail = (await timeline.latest())!.cursor;
    expect(await cost(() => timeline.read({ after: tail }))).toEqual({ getRange: 1 });
    expect(await cost(() => timeline.head())).toEqual({ getRange: 1, batchGetRow: 1 });
  },
);

it('with auto a fan-out to 500 is 3 requests, and 6 with a key', async () => {
  const { store, cost } = await opened({ sequence: 'auto' });
  expect(await cost(() => store.appendToMany(inboxes, 'm'))).toEqual({ batchWriteRow: 3 });
  expect(await cost(() => store.appendToMany(inboxes, 'n', { key: 'k' }))).toEqual({ batchWriteRow: 6 });
});

it('with cas a fan-out to 500 is 3 requests, key or not, once the last SeqIds are known', async () => {
  const { store, cost } = await opened({ sequence: 'cas' });
  expect(await cost(() => store.appendToMany(inboxes, 'm'))).toEqual({ batchWriteRow: 3 });
  await store.appendToMany(inboxes, 'n', { key: 'k' });
  expect(await cost(() => store.appendToMany(inboxes, 'o', { key: 'l' }))).toEqual({ batchWriteRow: 3 });
});

it('with cas a thousand messages to one Timeline are one row', async () => {
  const { store, cost } = await opened({ sequence: 'cas' });
  const batch = Array.from({ length: 1000 }, (_, i) => ({ timeline: 'inbox:0', message: `m${i}` }));
  expect(await cost(() => store.appendBatch(batch))).toEqual({ batchWriteRow: 1 });
  expect(await cost(() => store.timeline('inbox:0').read({ limit: 1001 }))).toEqual({ getRange: 1 });
});

it('a page of each of many Timelines is one request, and one more a minute for its oldest entry', async () => {
  const { store, cost } = await opened({ sequence: 'cas' });
  const many = inboxes.slice(0, 120);
  const ranges = many.map((timeline) => ({ timeline, after: 1n }));
  await store.readBatch(ranges);
  expect(await cost(() => store.readBatch(ranges))).toEqual({ getRange: 120 });
});

it.each(['cas', 'auto'] as const)(
  'with %s a head is one request, and one for a hundred Timelines that have several rows',
  async (sequence) => {
    const { store, cost } = await opened({ sequence });
    const many = inboxes.slice(0, 120);
    await store.heads(many);
    expect(await cost(() => store.heads(many))).toEqual({ getRange: 120 });
    const appended = await store.appendToMany(many, 'second');
    expect(appended.filter(({ ok }) => !ok)).toEqual([]);
    expect(await cost(() => store.heads(many))).toEqual({ getRange: 120, batchGetRow: 2 });
    await store.timeline('inbox:0').trim({ keepLast: 0 });
    await store.timeline('inbox:1').trim({ keepLast: 1 });
    await store.heads(many.slice(0, 2));
    expect(await cost(() => store.heads(many.slice(0, 2)))).toEqual({ getRange: 2 });
  },
);

it.each(['cas', 'auto'] as const)('with %s get and latest are one request, for a new process too', async (sequence) => {
  const emulator = await emulate();
  const options = { sequence, settleMs: 0 };
  const timeline = (await open(emulator, options)).timeline('inbox');
  const first = await timeline.append('first');
  const second = await timeline.append('second');
  for (const read of ['get', 'latest', 'trimmed'] as const) {
    if (read === 'trimmed') await timeline.trim({ through: first.seqId });
    const { client, counts, reset } = counted(emulator);
    const other = (await open(emulator, options, { client })).timeline('inbox');
    reset();
    const found = read === 'latest' ? other.latest() : other.get(read === 'get' ? second.seqId : first.seqId);
    expect((await found)?.message).toBe(read === 'trimmed' ? undefined : 'second');
    expect(counts).toEqual({ getRange: 1 });
  }
});
