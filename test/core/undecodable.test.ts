import { describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import {
  type Codec,
  type Cursor,
  type OnUndecodable,
  openTimelineStore,
  type Page,
  type TimelineEntry,
  type TimelineStore,
  type UndecodableEntry,
} from '../../src/index.js';

const cause = new Error('the key is gone');
const picky: Codec<string> = {
  encode: (message) => message,
  decode(body) {
    if (String(body).startsWith('bad')) throw cause;
    return String(body);
  },
};

/** A Timeline `t` of these messages, of which those that begin with `bad` do not decode. */
async function open(
  messages: readonly string[],
  onUndecodable?: OnUndecodable<string>,
): Promise<TimelineStore<string>> {
  const store = await openTimelineStore({
    adapter: memoryAdapter(),
    name: 'x',
    codec: picky,
    onUndecodable,
    pollMs: 10,
  });
  for (const message of messages) await store.timeline('t').append(message, { key: `key of ${message}` });
  return store;
}

const textsOf = (entries: readonly TimelineEntry<string>[]) => entries.map(({ message }) => message);
const decodeError = (seqId: bigint) => ({
  code: 'TIMELINE_DECODE',
  actual: seqId,
  timeline: 't',
  cause,
  outcome: 'not-applied',
});

async function rejection(promise: Promise<unknown>): Promise<{ cursor: Cursor }> {
  return (await promise.then(
    () => expect.fail('it should have been rejected'),
    (error: unknown) => error,
  )) as { cursor: Cursor };
}

async function collect(entries: AsyncIterable<TimelineEntry<string>>): Promise<[string[], unknown]> {
  const texts: string[] = [];
  try {
    for await (const { message } of entries) texts.push(message);
    return [texts, undefined];
  } catch (error) {
    return [texts, error];
  }
}

describe('by default, an entry that does not decode', () => {
  it('ends the page before it, and is the error of the next, which leads past it', async () => {
    await using store = await open(['a', 'b', 'bad', 'c']);
    const timeline = store.timeline('t');
    const page = await timeline.read();
    expect(textsOf(page.entries)).toEqual(['a', 'b']);
    expect(page).toMatchObject({ upToDate: false, next: page.entries[1]?.cursor, head: { lastSeqId: 4n } });
    expect(page).not.toHaveProperty('error');
    const error = await rejection(timeline.read({ after: page.next }));
    expect(error).toMatchObject(decodeError(3n));
    expect(error).toMatchObject({ message: 'entry 3 of "t" cannot be decoded: the key is gone' });
    const rest = await timeline.read({ after: error.cursor });
    expect([textsOf(rest.entries), rest.upToDate]).toEqual([['c'], true]);
  });

  it('does so in reverse too', async () => {
    await using store = await open(['a', 'bad', 'b', 'c']);
    const timeline = store.timeline('t');
    const page = await timeline.read({ reverse: true });
    expect([textsOf(page.entries), page.upToDate]).toEqual([['c', 'b'], false]);
    const error = await rejection(timeline.read({ before: page.next, reverse: true }));
    expect(error).toMatchObject(decodeError(2n));
    expect(textsOf((await timeline.read({ before: error.cursor, reverse: true })).entries)).toEqual(['a']);
  });

  it('is thrown by get and latest, and only for it', async () => {
    await using store = await open(['a', 'bad']);
    const timeline = store.timeline('t');
    await expect(timeline.get(2n)).rejects.toMatchObject(decodeError(2n));
    await expect(timeline.latest()).rejects.toMatchObject(decodeError(2n));
    expect((await timeline.get(1n))?.message).toBe('a');
    await timeline.append('b');
    expect((await timeline.latest())?.message).toBe('b');
  });

  it.each([1, 2, 500])('is thrown by scans after what stands before it, with pages of %i', async (pageSize) => {
    await using store = await open(['a', 'b', 'bad', 'c']);
    const timeline = store.timeline('t');
    expect(await collect(timeline.scan({ pageSize }))).toMatchObject([['a', 'b'], decodeError(3n)]);
    expect(await collect(timeline.scan({ pageSize, reverse: true }))).toMatchObject([['c'], decodeError(3n)]);
    expect(await collect(timeline.scan({ pageSize, limit: 2 }))).toEqual([['a', 'b'], undefined]);
    const pages: string[] = [];
    const all = (async () => {
      for await (const { entries } of timeline.pages({ pageSize })) pages.push(...textsOf(entries));
    })();
    await expect(all).rejects.toMatchObject(decodeError(3n));
    expect(pages).toEqual(['a', 'b']);
  });

  it('ends a subscription after what stands before it; another goes on behind it', async () => {
    await using store = await open(['a', 'bad', 'b']);
    const timeline = store.timeline('t');
    const [texts, error] = await collect(timeline.subscribe());
    expect([texts, error]).toMatchObject([['a'], decodeError(2n)]);
    const rest = timeline.subscribe({ after: (error as { cursor: Cursor }).cursor })[Symbol.asyncIterator]();
    expect((await rest.next()).value.message).toBe('b');
    await rest.return?.();
  });

  it('ends its own page of a batch, which carries the error; the others are whole', async () => {
    await using store = await open(['a', 'bad', 'b']);
    await store.timeline('good').append('fine');
    const items = [{ timeline: 't' }, { timeline: 'good' }, { timeline: 't', after: 1n }, { timeline: 't', after: 2n }];
    const [before, good, first, behind] = (await store.readBatch(items)) as [
      Page<string>,
      Page<string>,
      Page<string>,
      Page<string>,
    ];
    expect(before).toMatchObject({ upToDate: false, error: decodeError(2n) });
    expect(textsOf(before.entries)).toEqual(['a']);
    expect([textsOf(good.entries), good.upToDate, good.error]).toEqual([['fine'], true, undefined]);
    expect(first).toMatchObject({ entries: [], upToDate: false, error: decodeError(2n) });
    expect(textsOf((await store.timeline('t').read({ after: first.error?.cursor })).entries)).toEqual(['b']);
    expect([textsOf(behind.entries), behind.upToDate, behind.error]).toEqual([['b'], true, undefined]);
  });

  it('does not hide what was trimmed before it', async () => {
    await using store = await open(['a', 'b', 'bad', 'c']);
    const timeline = store.timeline('t');
    const { next } = await timeline.read({ limit: 1 });
    await timeline.trim({ through: 2n });
    const page = await timeline.read({ after: next });
    expect(page).toMatchObject({ entries: [], truncated: { through: 2n }, upToDate: false });
    await expect(timeline.read({ after: page.next })).rejects.toMatchObject(decodeError(3n));
    const told: bigint[] = [];
    const onTruncated = ({ through }: { through: bigint }) => told.push(through);
    expect(await collect(timeline.subscribe({ after: next, onTruncated }))).toMatchObject([[], decodeError(3n)]);
    expect(told).toEqual([2n]);
    expect(await store.readBatch([{ timeline: 't', after: next }])).toMatchObject([
      { entries: [], truncated: { through: 2n }, error: decodeError(3n) },
    ]);
    await expect(timeline.read({ after: next, reverse: true, before: 4n })).rejects.toMatchObject(decodeError(3n));
  });

  it('is as good as any other once it is updated or deleted', async () => {
    await using store = await open(['bad one', 'bad two']);
    const timeline = store.timeline('t');
    await timeline.update(1n, 'mended');
    await timeline.delete(2n);
    const { entries } = await timeline.read();
    expect(entries).toMatchObject([{ message: 'mended' }, { deleted: true }]);
  });

  it('that an update made is stored, and the error says so', async () => {
    await using store = await open(['a']);
    const timeline = store.timeline('t');
    await expect(timeline.update(1n, 'bad')).rejects.toMatchObject({ ...decodeError(1n), outcome: 'applied' });
    expect((await timeline.get(1n, { onUndecodable: () => 'stored' }))?.revision).toBe(1);
  });
});

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
    let caughtUp = 0;
    const live = timeline.subscribe({ ...skip, pageSize: 4, onCaughtUp: () => caughtUp++ })[Symbol.asyncIterator]();
    expect((await live.next()).value.message).toBe('a');
    const next = live.next();
    await expect.poll(() => caughtUp).toBe(1);
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

it.each(['ignore', null, 7, {}])('%o is no answer to entries that do not decode', async (value) => {
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
