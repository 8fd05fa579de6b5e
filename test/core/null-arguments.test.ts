import { expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import {
  type Abortable,
  type AppendManyOptions,
  type AppendOptions,
  type CountOptions,
  openTimelineStore,
  type PendingLimits,
  type ReadRange,
  type RetryOptions,
  type ScanOptions,
  type SubscribeOptions,
  type TimelineStoreOptions,
} from '../../src/index.js';
import type { Decoding } from '../../src/undecodable.js';
import { all, take } from '../sync/support/people.js';

/** Every property that may be left out, as `null`: the compiler reports one that is missing. */
type Nulls<T> = { readonly [K in keyof T as object extends Pick<T, K> ? K : never]-?: null };

const signal = null;
const decoding: Nulls<Decoding<unknown>> = { onUndecodable: null };
const count: Nulls<CountOptions> = { after: null, before: null, atMost: null };
const range: Nulls<ReadRange> = { after: null, before: null, limit: null, reverse: null };
const scan: Nulls<ScanOptions & Decoding<unknown>> = { ...range, ...decoding, pageSize: null, signal };
const append: Nulls<AppendOptions> = { key: null, seqId: null, expectedLast: null, signal };
const appendMany: Nulls<AppendManyOptions> = { keys: null, expectedLast: null, signal };
const abortable: Nulls<Abortable> = { signal };
const subscription: Nulls<SubscribeOptions & Decoding<unknown>> = {
  ...{ ...decoding, after: null, pageSize: null, onCaughtUp: null, onTruncated: null, signal },
};
const limits: Nulls<PendingLimits> = { pendingWrites: null, pendingBytes: null };
const retry: Nulls<RetryOptions> = { attempts: null, minDelayMs: null, maxDelayMs: null };
const opening: Nulls<TimelineStoreOptions<unknown>> = {
  ...{ ttlMs: null, alter: null, schema: null, codec: null, onUndecodable: null, limits: null, retry: null },
  ...{ pollMs: null, now: null, clockToleranceMs: null, onWarning: null },
};

const adapter = memoryAdapter({ keyWindowMs: null, sweepMs: null });
const store = await openTimelineStore<string | null>({ ...opening, adapter, name: 'nulls' });
const chat = store.timeline('chat');

it('opens a library with null for every option, and for those within options', async () => {
  const within = await openTimelineStore({ adapter: memoryAdapter(null), name: 'within', limits, retry });
  expect(within.ttlMs).toBeUndefined();
  await within.close();
});

it('writes', async () => {
  expect(await chat.append('a', append)).toMatchObject({ seqId: 1n, duplicate: false });
  expect(await chat.append('b', null)).toMatchObject({ seqId: 2n });
  expect(await chat.appendMany(['c'], appendMany)).toMatchObject([{ seqId: 3n }]);
  expect(await chat.appendMany(['d'], null)).toMatchObject([{ seqId: 4n }]);
  expect(await chat.update(1n, 'A', { ifRevision: null, signal })).toMatchObject({ revision: 1 });
  expect(await chat.update(1n, 'A', null)).toMatchObject({ revision: 2 });
  await chat.delete(4n, abortable);
  await chat.delete(4n, null);
  await chat.trim({ through: 1n, signal });
});

it('reads', async () => {
  for (const options of [{ ...range, ...decoding, signal }, null])
    expect((await chat.read(options)).entries.map(({ seqId }) => seqId)).toEqual([2n, 3n, 4n]);
  for (const options of [scan, null]) {
    expect(await all(chat.scan(options))).toHaveLength(3);
    expect(await all(chat.pages(options))).toMatchObject([{ upToDate: true }]);
  }
  for (const options of [subscription, null]) expect(await take(chat.subscribe(options), 3)).toHaveLength(3);
  for (const options of [{ ...count, signal }, null]) expect(await chat.count(options)).toBe(2);
  for (const options of [{ ...decoding, signal }, null]) {
    expect(await chat.get(2n, options)).toMatchObject({ message: 'b' });
    expect(await chat.latest(options)).toMatchObject({ seqId: 4n });
  }
  for (const options of [abortable, null]) expect(await chat.head(options)).toMatchObject({ lastSeqId: 4n });
});

it('keeps positions', async () => {
  const reader = chat.checkpoint('r');
  for (const options of [abortable, null]) {
    const to = await reader.advance(2n, options);
    expect(await reader.get(options)).toBe(to);
    await reader.reset(null, options);
    expect(await reader.get()).toBeUndefined();
  }
});

it('takes batches, and a message of null', async () => {
  const timeline = 'batch';
  for (const options of [abortable, null]) {
    expect(await store.appendBatch([{ timeline, message: null, key: null }], options)).toMatchObject([{ ok: true }]);
    expect(await store.heads([timeline], options)).toHaveLength(1);
    const position = await store.checkpoints([{ timeline, reader: 'r' }], options);
    expect(position).toHaveLength(1);
    const to = (await chat.read()).next;
    expect(await store.advanceCheckpoints([{ timeline: 'chat', reader: 'r', to }], options)).toEqual([to]);
    expect(await store.countBatch([{ timeline, ...count }], options)).toHaveLength(1);
    await store.publish('topic', 'payload', options);
  }
  for (const options of [{ key: null, signal }, null])
    expect(await store.appendToMany([timeline], 'x', options)).toMatchObject([{ ok: true }]);
  for (const options of [{ ...decoding, signal }, null]) {
    const [page] = await store.readBatch([{ timeline, ...range }], options);
    expect(page?.entries.map(({ message }) => message)).toEqual([null, null, 'x', 'x']);
  }
  for (const options of [{ prefix: null, after: null, limit: null, signal }, null])
    expect(await all(store.timelines(options))).toContain(timeline);
});
