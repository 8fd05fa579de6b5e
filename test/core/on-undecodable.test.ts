import { describe, expect, it } from 'vitest';
import type { TimelineEntry, UndecodableEntry } from '../../src/index.js';
import { collect, decodeError, open, textsOf } from './undecodable-support.js';

describe('skipping', () => {
  const bads = Array.from({ length: 25 }, (_, i) => `bad ${i}`);
  const skip = { onUndecodable: 'skip' } as const;

  it('leaves such entries out, and positions move past them', async () => {
    await using store = await open(['a', ...bads, 'b', 'bad end']);
    const timeline = store.timeline('t');
    const page = await timeline.read(skip);
    expect([textsOf(page.entries), page.upToDate]).toEqual([['a', 'b'], true]);
    expect((await timeline.read({ ...skip, after: page.next })).entries).toEqual([]);
    const skipped = await timeline.read({ ...skip, after: 1n, limit: 10 });
    expect([skipped.entries, skipped.upToDate]).toEqual([[], false]);
    expect(textsOf((await timeline.read({ ...skip, after: skipped.next })).entries)).toEqual(['b']);
    const back = await timeline.read({ ...skip, before: 27n, reverse: true, limit: 10 });
    expect([back.entries, back.upToDate]).toEqual([[], false]);
    expect(textsOf((await timeline.read({ ...skip, before: back.next, reverse: true })).entries)).toEqual(['a']);
  });

  it.each([1, 7, 500])('goes on in scans, pages of %i', async (pageSize) => {
    await using store = await open(['a', ...bads, 'b', 'bad end']);
    const timeline = store.timeline('t');
    expect(await collect(timeline.scan({ ...skip, pageSize }))).toEqual([['a', 'b'], undefined]);
    expect(await collect(timeline.scan({ ...skip, pageSize, reverse: true }))).toEqual([['b', 'a'], undefined]);
    expect(await collect(timeline.scan({ ...skip, pageSize, limit: 2 }))).toEqual([['a', 'b'], undefined]);
  });

  it('gives the newest that decodes, or nothing', async () => {
    await using store = await open(['a', ...bads], 'skip');
    const timeline = store.timeline('t');
    expect((await timeline.latest())?.message).toBe('a');
    expect(await timeline.get(2n)).toBeUndefined();
    await timeline.trim({ through: 1n });
    expect(await timeline.latest()).toBeUndefined();
    expect(await store.readBatch([{ timeline: 't' }])).toMatchObject([{ entries: [], upToDate: true }]);
  });

  it('goes on in subscriptions, which catch up and hear of what comes', async () => {
    await using store = await open([...bads, 'a', ...bads]);
    const timeline = store.timeline('t');
    let onCaughtUp = () => {};
    const caughtUp = new Promise<void>((resolve) => {
      onCaughtUp = resolve;
    });
    const live = timeline.subscribe({ ...skip, pageSize: 4, onCaughtUp })[Symbol.asyncIterator]();
    expect((await live.next()).value.message).toBe('a');
    const next = live.next();
    await caughtUp;
    await timeline.appendMany(['bad again', 'b']);
    expect((await next).value.message).toBe('b');
    await live.return?.();
  });
});

describe('a function', () => {
  it('is told all that is known of the entry, and its result is the message', async () => {
    const seen: UndecodableEntry[] = [];
    const onUndecodable = (entry: UndecodableEntry) => {
      seen.push(entry);
      return `instead of ${entry.body}`;
    };
    await using store = await open(['a', 'bad', 'b'], onUndecodable);
    const timeline = store.timeline('t');
    const { entries, upToDate } = await timeline.read();
    expect([textsOf(entries), upToDate]).toEqual([['a', 'instead of bad', 'b'], true]);
    const { cursor, appendedAt } = entries[1] as TimelineEntry<string>;
    expect(seen).toEqual([
      {
        timeline: 't',
        seqId: 2n,
        cursor,
        key: 'key of bad',
        appendedAt,
        revision: 0,
        body: 'bad',
        error: expect.any(Error),
      },
    ]);
    expect(seen[0]?.error).toMatchObject(decodeError(2n));
    expect((await timeline.get(2n))?.message).toBe('instead of bad');
    expect((await store.readBatch([{ timeline: 't', after: 1n }]))[0]?.entries[0]?.message).toBe('instead of bad');
    expect(JSON.parse(JSON.stringify(entries[1]))).toMatchObject({ seqId: '2', message: 'instead of bad' });
  });

  it('that throws leaves the entry undecodable, for its own reason', async () => {
    await using store = await open(['a', 'bad']);
    const timeline = store.timeline('t');
    const own = new Error('cannot help');
    const fails = (error: (entry: UndecodableEntry) => unknown) => ({
      onUndecodable: (entry: UndecodableEntry): string => {
        throw error(entry);
      },
    });
    expect(textsOf((await timeline.read(fails(() => own))).entries)).toEqual(['a']);
    await expect(
      timeline.get(
        2n,
        fails(() => own),
      ),
    ).rejects.toMatchObject({ ...decodeError(2n), cause: own });
    await expect(
      timeline.get(
        2n,
        fails(({ error }) => error),
      ),
    ).rejects.toMatchObject(decodeError(2n));
    const later = { onUndecodable: (async () => Promise.reject(own)) as unknown as () => string };
    await expect(timeline.get(2n, later)).rejects.toMatchObject({
      code: 'TIMELINE_DECODE',
      message: /onUndecodable.*promise/,
    });
  });
});

it('what a call says counts more than what was said at opening', async () => {
  await using store = await open(['bad', 'a'], 'skip');
  const timeline = store.timeline('t');
  const strict = { onUndecodable: 'throw' } as const;
  await expect(timeline.read(strict)).rejects.toMatchObject(decodeError(1n));
  await expect(timeline.get(1n, strict)).rejects.toMatchObject(decodeError(1n));
  expect(await collect(timeline.scan(strict))).toMatchObject([[], decodeError(1n)]);
  expect(await collect(timeline.subscribe(strict))).toMatchObject([[], decodeError(1n)]);
  expect(await store.readBatch([{ timeline: 't' }], strict)).toMatchObject([{ error: decodeError(1n) }]);
  expect(textsOf((await timeline.read({ onUndecodable: undefined })).entries)).toEqual(['a']);
});

it.each(['ignore', true, 7, {}])('%o is no answer to entries that do not decode', async (value) => {
  const onUndecodable = value as never;
  const refused = { code: 'TIMELINE_INVALID_ARGUMENT', argument: 'onUndecodable' };
  await expect(open([], onUndecodable)).rejects.toMatchObject(refused);
  await using store = await open(['a']);
  const timeline = store.timeline('t');
  for (const call of [
    timeline.read({ onUndecodable }),
    timeline.get(1n, { onUndecodable }),
    timeline.latest({ onUndecodable }),
    store.readBatch([{ timeline: 't' }], { onUndecodable }),
    timeline.scan({ onUndecodable })[Symbol.asyncIterator]().next(),
    timeline.pages({ onUndecodable })[Symbol.asyncIterator]().next(),
    timeline.subscribe({ onUndecodable })[Symbol.asyncIterator]().next(),
  ]) {
    await expect(call).rejects.toMatchObject(refused);
  }
});
