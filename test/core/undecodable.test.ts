import { describe, expect, it } from 'vitest';
import type { Cursor, Page } from '../../src/index.js';
import { collect, decodeError, open, rejection, textsOf } from './undecodable-support.js';

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
