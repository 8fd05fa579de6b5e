import { describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { openTimelineStore } from '../../src/index.js';
import type { SubscribeOptions, TimelineEntry, TimelineStoreOptions } from '../../src/types.js';
import type { Decoding } from '../../src/undecodable.js';
import { take, until, within } from '../../testing/assertions.js';
import { busyStore, decorateAdapter } from '../../testing/index.js';

const openStore = (options: Partial<TimelineStoreOptions<string>> = {}) =>
  openTimelineStore<string>({ adapter: memoryAdapter(), name: 'live', pollMs: 60_000, ...options });

type Store = Awaited<ReturnType<typeof openStore>>;

/** Subscribes, and resolves once all wait. `ended` has the error of each that has failed. */
async function listen(store: Store, each: readonly (SubscribeOptions & Decoding<string>)[]) {
  const got: TimelineEntry<string>[][] = each.map(() => []);
  const errors: unknown[] = [];
  let caughtUp = 0;
  each.forEach((options, i) => {
    const onCaughtUp = () => caughtUp++;
    void (async () => {
      for await (const entry of store.timeline('t').subscribe({ ...options, onCaughtUp })) got[i]!.push(entry);
    })().catch((error) => {
      errors[i] = error;
    });
  });
  await until('all have caught up', () => caughtUp === each.length);
  return { got, errors };
}

const messagesOf = (entries: readonly TimelineEntry<string>[] = []) => entries.map(({ message }) => message);

describe('readers that share a tail', () => {
  it('each handle an entry that does not decode in their own way, as if they read alone', async () => {
    const poison = {
      encode: (message: string) => message,
      decode(body: string | Uint8Array) {
        if (body === 'bad') throw new Error('not readable');
        return String(body);
      },
    };
    await using store = await openStore({ codec: poison });
    const replace = () => 'replaced';
    const { got, errors } = await listen(store, [{}, { onUndecodable: 'skip' }, { onUndecodable: replace }]);
    await store.timeline('t').appendMany(['one', 'bad', 'two']);
    await until('the last one has all', () => got[2]!.length === 3);
    await until('the first one has failed', () => errors[0] !== undefined);
    expect(got.map(messagesOf)).toEqual([['one'], ['one', 'two'], ['one', 'replaced', 'two']]);
    expect(errors[0]).toMatchObject({ code: 'TIMELINE_DECODE', actual: 2n });
    expect(errors.slice(1)).toEqual([]);
  });

  it('get entries with the id as each of them gave it', async () => {
    await using store = await openStore();
    const streams = ['t', ['t']].map((id) => take(store.timeline(id).subscribe(), 1));
    await store.timeline('t').append('m');
    expect((await Promise.all(streams)).map(([entry]) => entry?.timeline)).toEqual(['t', ['t']]);
  });

  it('are told of a truncation as each of them asked', async () => {
    const adapter = memoryAdapter();
    let gate: Promise<void> | undefined;
    const deaf = decorateAdapter(adapter, (library) => ({
      watch: undefined,
      read: async (ranges, call) => {
        await gate;
        return library.read(ranges, call);
      },
    }));
    await using store = await openStore({ adapter: deaf, pollMs: 10 });
    await using writer = await openStore({ adapter });
    await writer.timeline('t').append('old');
    const told: bigint[] = [];
    const { got, errors } = await listen(store, [{}, { onTruncated: ({ through }) => told.push(through) }]);
    await until('the old entry is there', () => got.every(({ length }) => length === 1));
    let open: () => void = () => undefined;
    gate = new Promise((resolve) => {
      open = resolve;
    });
    await writer.timeline('t').appendMany(['gone', 'gone too', 'kept']);
    await writer.timeline('t').trim({ keepLast: 1 });
    open();
    await until('the first one has failed', () => errors[0] !== undefined);
    await until('the other goes on', () => got[1]!.length === 2);
    expect(errors[0]).toMatchObject({ code: 'TIMELINE_TRUNCATED', through: 3n });
    expect([told, messagesOf(got[1])]).toEqual([[3n], ['old', 'kept']]);
  });

  it('let the event loop run while they get an entry, however many they are', async () => {
    await using store = await openStore();
    const count = 3000;
    const { got } = await listen(store, Array(count).fill({}));
    let turns = 0;
    const look = () => {
      turns++;
      if (got.some(({ length }) => length === 0)) setImmediate(look);
    };
    setImmediate(look);
    await store.timeline('t').append('m');
    await within(
      'all have it',
      until('all', () => got.every(({ length }) => length === 1)),
    );
    expect(turns).toBeGreaterThan(3);
  });

  it('fail together where a look fails for good, and a later reader starts anew', async () => {
    const adapter = memoryAdapter();
    let epoch: string | undefined;
    const lost = decorateAdapter(adapter, (library) => ({
      watch: () => () => undefined,
      read: async (ranges, call) => {
        const slices = await library.read(ranges, call);
        return slices.map((slice) => ({ ...slice, epoch: epoch ?? slice.epoch }));
      },
    }));
    await using store = await openStore({ adapter: lost, pollMs: 10 });
    await store.timeline('t').append('m');
    const { errors } = await listen(store, [{}, {}]);
    epoch = 'another';
    await until('both have failed', () => errors[0] !== undefined && errors[1] !== undefined);
    expect(errors).toMatchObject([{ code: 'TIMELINE_EPOCH_CHANGED' }, { code: 'TIMELINE_EPOCH_CHANGED' }]);
    const later = take(store.timeline('t').subscribe(), 2);
    await store.timeline('t').append('m2');
    expect(messagesOf(await later)).toEqual(['m', 'm2']);
  });

  it('wait for a store that is away, say so once, and go on together', async () => {
    const warnings: string[] = [];
    let failing = 0;
    const adapter = decorateAdapter(memoryAdapter(), (library) => ({
      watch: (timeline, wake) => library.watch!(timeline, () => wake()),
      read: async (ranges, call) => {
        if (failing-- > 0) throw busyStore();
        return library.read(ranges, call);
      },
    }));
    const retry = { attempts: 1 };
    await using store = await openStore({ adapter, retry, pollMs: 10, onWarning: ({ code }) => warnings.push(code) });
    const { got, errors } = await listen(store, [{}, {}]);
    failing = 3;
    await store.timeline('t').append('m');
    await until('both have it', () => got.every(({ length }) => length === 1));
    expect([errors, warnings]).toEqual([[], ['subscription-waits']]);
  });
});
