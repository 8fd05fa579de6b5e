import { describe, expect, it } from 'vitest';
import { BatchIterator } from '../../src/iterate.js';

function batches(...list: (readonly number[] | Error)[]) {
  let fetches = 0;
  let ends = 0;
  const queue = [...list];
  const iterator = new BatchIterator<number>(
    async () => {
      fetches++;
      const next = queue.shift();
      if (next instanceof Error) throw next;
      return next;
    },
    {
      end: () => {
        ends++;
      },
    },
  );
  return { iterator, fetches: () => fetches, ends: () => ends };
}

describe('BatchIterator', () => {
  it('hands out every item in order, over empty batches', async () => {
    const { iterator, ends } = batches([1, 2], [], [3]);
    const seen: number[] = [];
    for await (const item of iterator) seen.push(item);
    expect(seen).toEqual([1, 2, 3]);
    expect(ends()).toBe(1);
  });

  it('answers concurrent calls of next in order', async () => {
    const { iterator } = batches([1], [2], [3, 4]);
    const results = await Promise.all([1, 2, 3, 4, 5].map(() => iterator.next()));
    expect(results.map(({ value, done }) => (done ? 'done' : value))).toEqual([1, 2, 3, 4, 'done']);
  });

  it('costs one turn of the microtask queue per item while a batch lasts', async () => {
    const { iterator } = batches(Array.from({ length: 1000 }, (_, i) => i));
    let turns = 0;
    let reading = true;
    const count = async () => {
      for (; reading; turns++) await undefined;
    };
    const counting = count();
    let items = 0;
    for await (const _ of iterator) items++;
    reading = false;
    await counting;
    expect(items).toBe(1000);
    expect(turns / items).toBeLessThan(1.1);
  });

  it('fetches a batch only when the one before is used up', async () => {
    const { iterator, fetches } = batches([1, 2], [3]);
    await iterator.next();
    await iterator.next();
    expect(fetches()).toBe(1);
    await iterator.next();
    expect(fetches()).toBe(2);
  });

  it('stays done after return, even with items left', async () => {
    const { iterator, ends } = batches([1, 2, 3]);
    for await (const item of iterator) if (item === 1) break;
    expect(await iterator.next()).toEqual({ value: undefined, done: true });
    expect(ends()).toBe(1);
  });

  it('fails once and is done afterwards', async () => {
    const { iterator, ends } = batches([1], new Error('broken'), [2]);
    await iterator.next();
    await expect(iterator.next()).rejects.toThrow('broken');
    expect(await iterator.next()).toEqual({ value: undefined, done: true });
    expect(ends()).toBe(1);
  });

  it('drops what is left of a batch once its signal has fired', async () => {
    const abort = new AbortController();
    const iterator = new BatchIterator<number>(async () => [1, 2, 3], { signal: abort.signal });
    await iterator.next();
    abort.abort('enough');
    await expect(iterator.next()).rejects.toMatchObject({ code: 'TIMELINE_ABORTED', cause: 'enough' });
    expect(await iterator.next()).toEqual({ value: undefined, done: true });
  });
});
