import { describe, expect, it } from 'vitest';
import type { Range, WriteEntry } from '../../src/adapter.js';
import { openFile, readAll, tempFile, write } from './support.js';

const entry = (seqId: bigint, key?: string): WriteEntry => ({
  payload: { body: `body ${seqId}`, hash: 'h', shared: seqId % 2n === 0n },
  seqId,
  key,
});

describe('rows', () => {
  it('are the same whether SeqIds have gaps or not, in both directions and for every bound and limit', async () => {
    const library = await openFile(tempFile());
    const all = [3n, 4n, 5n, 6n, 20n, 21n, 2n ** 53n + 1n, 2n ** 53n + 2n, 2n ** 53n + 3n, 2n ** 63n - 1n];
    await library.append([
      { timeline: 'a', entries: all.map((seqId, i) => entry(seqId, i % 3 ? undefined : `key "${i}"\n\u0001`)) },
    ]);
    await library.update('a', 5n, { body: 'changed', shared: false });
    await library.delete('a', 21n);
    const expected = all.map((seqId, i) => ({
      seqId,
      appendedAt: library.clock.now,
      body: seqId === 5n ? 'changed' : seqId === 21n ? undefined : `body ${seqId}`,
      key: i % 3 ? undefined : `key "${i}"\n\u0001`,
      revision: seqId === 5n || seqId === 21n ? 1 : 0,
    }));
    const bounds = [undefined, 0n, 2n, 3n, 5n, 10n, 21n, 2n ** 53n + 2n, 2n ** 63n - 1n];
    const ranges: Range[] = bounds.flatMap((after) =>
      bounds.flatMap((before) =>
        [1, 3, 4, 100].flatMap((limit) =>
          [true, false].map((reverse) => ({ timeline: 'a', after, before, limit, reverse })),
        ),
      ),
    );
    const slices = await library.read(ranges);
    for (const [i, range] of ranges.entries()) {
      const within = expected.filter(
        ({ seqId }) => seqId > (range.after ?? 0n) && (range.before === undefined || seqId < range.before),
      );
      if (range.reverse) within.reverse();
      const { rows, more } = slices[i]!;
      expect(
        rows,
        JSON.stringify(range, (_, value) => String(value)),
      ).toEqual(within.slice(0, range.limit));
      if (!more) expect(within.length).toBe(rows.length);
    }
  });

  it('keep the type of their body, empty ones and long ones too', async () => {
    const library = await openFile(tempFile());
    const bodies = [
      '',
      'é🙂\u0000',
      new Uint8Array(),
      new Uint8Array([0, 255]),
      'x'.repeat(2 ** 20),
      new Uint8Array(2 ** 20).fill(7),
    ];
    for (const shared of [true, false]) {
      await library.append(
        bodies.map((body, i) => ({ timeline: `${shared} ${i}`, entries: [{ payload: { body, shared } }] })),
      );
      const slices = await library.read(
        bodies.map((_, i) => ({ timeline: `${shared} ${i}`, limit: 2, reverse: false })),
      );
      for (const [i, slice] of slices.entries()) {
        const read = slice.rows[0]!.body!;
        expect(typeof read).toBe(typeof bodies[i]);
        expect(Buffer.from(read as string).equals(Buffer.from(bodies[i] as string)), `body ${i}`).toBe(true);
      }
    }
  });

  it('of a call are bounded in bytes, but at least one for each range that has one', async () => {
    const library = await openFile(tempFile());
    for (let i = 0; i < 30; i++) await library.append([write('big', 'x'.repeat(2 ** 20)), write('small', 'y')]);
    const range = { limit: 10_000, reverse: false };
    const [big, small] = await library.read([
      { ...range, timeline: 'big' },
      { ...range, timeline: 'small' },
    ]);
    expect(small!.rows.length).toBeGreaterThan(0);
    expect(small!.more).toBe(true);
    expect(big!.rows.length).toBeGreaterThan(0);
    expect(await readAll(library, 'big')).toHaveLength(30);
    expect(await readAll(library, 'small')).toHaveLength(30);
  });
});

describe('Expiry', () => {
  it('is exact for readers, however much has expired and not been removed', async () => {
    const library = await openFile(tempFile(), { ttlMs: 1000 }, { sweepMs: 3_600_000 });
    for (let i = 0; i < 300; i++) {
      await library.append([{ timeline: 'a', entries: [entry(BigInt(i * i + 1))] }]);
      library.clock.now += 10;
    }
    for (const expired of [200, 201, 299]) {
      library.clock.now = 1_700_000_000_000 + (expired - 1) * 10 + 1000;
      const [slice] = await library.read([{ timeline: 'a', after: 1n, limit: 1, reverse: false }]);
      const first = BigInt(expired * expired + 1);
      const through = BigInt((expired - 1) ** 2 + 1);
      expect(slice).toMatchObject({ firstSeqId: first, truncatedThrough: through, rows: [{ seqId: first }] });
      expect(await library.heads(['a'])).toMatchObject([{ firstSeqId: first, lastSeqId: 299n * 299n + 1n }]);
      await expect(library.update('a', through, { body: 'x', shared: false })).rejects.toMatchObject({
        code: 'TIMELINE_NOT_FOUND',
      });
    }
    library.clock.now += 1_000_000;
    expect(await library.heads(['a'])).toMatchObject([{ firstSeqId: 299n * 299n + 2n }]);
  });
});

describe('Listing', () => {
  it('is in the order of UTF-8 bytes, by prefix, and goes on behind a Timeline', async () => {
    const library = await openFile(tempFile());
    const names = ['b', 'a', 'ab', 'a\u{10ffff}z', 'é', '\uffff', '🙂', 'aé'];
    await library.append(names.map((name) => write(name, 'x')));
    const sorted = [...names].sort((one, two) => Buffer.compare(Buffer.from(one), Buffer.from(two)));
    expect(await library.timelines({ prefix: '', limit: 100 })).toEqual(sorted);
    const withA = sorted.filter((name) => name.startsWith('a'));
    expect(await library.timelines({ prefix: 'a', limit: 100 })).toEqual(withA);
    expect(await library.timelines({ prefix: 'a', after: 'a', limit: 2 })).toEqual(withA.slice(1, 3));
    expect(await library.timelines({ prefix: 'a', after: 'b', limit: 2 })).toEqual([]);
  });
});
