import { describe, expect, it } from 'vitest';
import { DataBlockType, GetRangeRequest, GetRangeResponse } from '../../emulator/wire/messages-row.js';
import { encodeKey } from '../../emulator/wire/plain-buffer-writer.js';
import { call } from './raw-client.js';
import {
  asKey,
  condition,
  createTable,
  errorOf,
  int,
  type Key,
  keyOf,
  put,
  type SdkClient,
  sdk,
  start,
} from './sdk.js';

const { FORWARD, BACKWARD } = sdk.Direction;
const bound = (gid: unknown, seq: unknown): Key => [{ gid }, { seq: typeof seq === 'number' ? int(seq) : seq }];
const LOWEST = bound(sdk.INF_MIN, sdk.INF_MIN);
const HIGHEST = bound(sdk.INF_MAX, sdk.INF_MAX);

const range = (client: SdkClient, start: Key, end: Key, more: object = {}) =>
  client.getRange({
    tableName: 't',
    direction: FORWARD,
    inclusiveStartPrimaryKey: start,
    exclusiveEndPrimaryKey: end,
    ...more,
  });
const keys = async (...read: Parameters<typeof range>) => (await range(...read)).rows.map((row) => keyOf(row).join(''));

async function filled(options = {}) {
  const { client, emulator } = await start(options);
  await createTable(client, 't');
  for (const gid of ['a', 'b', 'c']) for (const seq of [1, 2, 10]) await put(client, 't', gid, seq);
  return { client, emulator };
}

describe('GetRange', () => {
  it('includes its start and excludes its end, in both directions, within and across partitions', async () => {
    const { client } = await filled();
    expect(await keys(client, LOWEST, HIGHEST)).toEqual(['a1', 'a2', 'a10', 'b1', 'b2', 'b10', 'c1', 'c2', 'c10']);
    expect(await keys(client, HIGHEST, LOWEST, { direction: BACKWARD })).toEqual([
      'c10',
      'c2',
      'c1',
      'b10',
      'b2',
      'b1',
      'a10',
      'a2',
      'a1',
    ]);
    expect(await keys(client, bound('a', 1), bound('a', 10))).toEqual(['a1', 'a2']);
    expect(await keys(client, bound('a', 10), bound('a', 1), { direction: BACKWARD })).toEqual(['a10', 'a2']);
    expect(await keys(client, bound('a', 3), bound('c', 2))).toEqual(['a10', 'b1', 'b2', 'b10', 'c1']);
    expect(await keys(client, bound('c', 2), bound('a', 3), { direction: BACKWARD })).toEqual([
      'c2',
      'c1',
      'b10',
      'b2',
      'b1',
      'a10',
    ]);
    expect(await keys(client, bound('a', sdk.INF_MAX), bound('b', sdk.INF_MIN))).toEqual([]);
    expect(await keys(client, bound('a', sdk.INF_MAX), bound('c', sdk.INF_MIN))).toEqual(['b1', 'b2', 'b10']);
    expect(
      await keys(client, bound('b', sdk.INF_MAX), bound('b', sdk.INF_MIN), { direction: BACKWARD, limit: 1 }),
    ).toEqual(['b10']);
  });

  it('orders integers by value and strings by their bytes', async () => {
    const { client } = await start();
    await createTable(client, 't');
    const integers = [-(2n ** 63n), -1n, 0n, 1n, 2n ** 53n + 1n, 2n ** 63n - 1n];
    for (const seq of [...integers].reverse()) await put(client, 't', 'i', int(seq));
    expect(await keys(client, bound('i', sdk.INF_MIN), bound('i', sdk.INF_MAX))).toEqual(
      integers.map((seq) => `i${seq}`),
    );
    // U+FF5E sorts below U+1F600 in UTF-8 and above it in UTF-16.
    const texts = ['', '\0', '\0\0', '\x01', 'a', 'a\0', 'a\0b', 'a\x01', 'ab', 'b', 'é', '～', '😀'];
    for (const gid of [...texts].reverse()) await put(client, 't', gid, 1);
    const found = (await range(client, LOWEST, HIGHEST)).rows.map((row) => keyOf(row)[0]);
    expect(found.filter((gid) => gid !== 'i')).toEqual(texts);
  });

  it('gives the next key exactly when a row is left', async () => {
    const { client } = await filled();
    const page = await range(client, LOWEST, HIGHEST, { limit: 8 });
    expect(asKey(page.nextStartPrimaryKey!).map((cell) => String(Object.values(cell)[0]))).toEqual(['c', '10']);
    expect((await range(client, LOWEST, HIGHEST, { limit: 9 })).nextStartPrimaryKey).toBeNull();
    const rest = await range(client, asKey(page.nextStartPrimaryKey!), HIGHEST, { limit: 8 });
    expect([rest.rows.map(keyOf), rest.nextStartPrimaryKey]).toEqual([[['c', '10']], null]);
  });

  it('ends a page at 4 MiB, and at smaller limits that the options set', async () => {
    const { client } = await filled({ limits: { pageRows: 3 } });
    const walk = async (direction: unknown, start: Key, end: Key) => {
      const sizes = [];
      for (let next: Key | undefined = start; next; ) {
        const page = await range(client, next, end, { direction });
        sizes.push(page.rows.length);
        next = page.nextStartPrimaryKey ? asKey(page.nextStartPrimaryKey) : undefined;
      }
      return sizes;
    };
    expect(await walk(FORWARD, LOWEST, bound('c', 2))).toEqual([3, 3, 1]);
    expect(await walk(BACKWARD, HIGHEST, LOWEST)).toEqual([3, 3, 3]);
    const big = await start();
    await createTable(big.client, 't');
    for (const seq of [1, 2, 3, 4, 5]) await put(big.client, 't', 'a', seq, [{ c: 'x'.repeat(1_500_000) }]);
    // Two of them are 3 MB; a third would be above 4 MiB.
    expect((await range(big.client, LOWEST, HIGHEST)).rows).toHaveLength(2);
  });

  it('ends a page before the row that would be too much, but always gives one', async () => {
    const { client } = await start({ limits: { pageBytes: 100 } });
    await createTable(client, 't');
    // A key takes 15 bytes, the name of the column 1.
    for (const [seq, size] of [34, 34, 35, 49, 500, 3].entries())
      await put(client, 't', 'a', seq, [{ c: 'x'.repeat(size) }]);
    const pages: string[][] = [];
    for (let next: Key | undefined = LOWEST; next; ) {
      const page = await range(client, next, HIGHEST);
      pages.push(page.rows.map((row) => String(keyOf(row)[1])));
      next = page.nextStartPrimaryKey ? asKey(page.nextStartPrimaryKey) : undefined;
    }
    expect(pages).toEqual([['0', '1'], ['2'], ['3'], ['4'], ['5']]);
  });

  it('ends a page at 5000 rows', async () => {
    const { client } = await start();
    await createTable(client, 't');
    const rows = (from: number) =>
      Array.from({ length: 200 }, (_, index) => ({
        type: 'PUT',
        condition: condition(),
        primaryKey: bound('a', from + index),
        attributeColumns: [{ c: 'v' }],
      }));
    for (let from = 0; from <= 5000; from += 200)
      await client.batchWriteRow({ tables: [{ tableName: 't', rows: rows(from) }] });
    const page = await range(client, LOWEST, HIGHEST);
    expect([page.rows.length, keyOf({ primaryKey: page.nextStartPrimaryKey })]).toEqual([5000, ['a', '5000']]);
  });

  it('counts filtered rows toward the page and returned rows toward the limit', async () => {
    const { client } = await start({ limits: { pageRows: 4 } });
    await createTable(client, 't');
    for (let seq = 1; seq <= 9; seq++) await put(client, 't', 'a', seq, [{ even: seq % 2 === 0 }]);
    const columnFilter = (even: boolean) => new sdk.SingleColumnCondition('even', even, sdk.ComparatorType.EQUAL);
    expect(await keys(client, LOWEST, HIGHEST, { columnFilter: columnFilter(true) })).toEqual(['a2', 'a4']);
    expect(await keys(client, LOWEST, HIGHEST, { columnFilter: columnFilter(false), limit: 1 })).toEqual(['a1']);
    const impossible = new sdk.SingleColumnCondition('even', 'x', sdk.ComparatorType.EQUAL);
    const empty = await range(client, LOWEST, HIGHEST, { columnFilter: impossible });
    expect([empty.rows, keyOf({ primaryKey: empty.nextStartPrimaryKey })]).toEqual([[], ['a', '5']]);
  });

  it('refuses bounds that are equal, the wrong way round, or not of the table', async () => {
    const { client } = await filled();
    const text = async (...read: Parameters<typeof range>) => (await errorOf(range(...read))).text;
    for (const [a, b] of [
      [bound('a', 1), bound('a', 1)],
      [bound('b', 1), bound('a', 1)],
      [HIGHEST, LOWEST],
    ] as const) {
      expect(await text(client, a, b)).toContain('Begin key must less than end key in FORWARD');
      expect(await text(client, b, a, { direction: BACKWARD })).toContain(
        'Begin key must more than end key in BACKWARD',
      );
    }
    expect(await text(client, LOWEST, HIGHEST, { limit: -1 })).toContain('The limit must be greater than 0.');
    expect(await text(client, [{ gid: 'a' }], HIGHEST)).toContain('Validate PK size fail. Input: 1, Meta: 2.');
    expect(await text(client, bound('a', sdk.PK_AUTO_INCR), HIGHEST)).toContain(
      "PKAutoIncr can't be used for read operations.",
    );
  });

  it('skips expired rows and never names one as the next key', async () => {
    let now = 1_700_000_000_000;
    const { client } = await start({ now: () => now });
    await createTable(client, 't', { options: { timeToLive: 86_400 } });
    for (const seq of [1, 2, 3]) await put(client, 't', 'a', seq);
    now += 80_000_000;
    await put(client, 't', 'a', 2);
    now += 10_000_000;
    const page = await range(client, LOWEST, HIGHEST, { limit: 1 });
    expect([page.rows.map(keyOf), page.nextStartPrimaryKey]).toEqual([[['a', '2']], null]);
  });

  it('sees a row at once after its write and no longer after its deletion', async () => {
    const { client } = await filled();
    await client.deleteRow({ tableName: 't', condition: condition(), primaryKey: bound('b', 2) });
    expect(await keys(client, bound('b', sdk.INF_MIN), bound('b', sdk.INF_MAX))).toEqual(['b1', 'b10']);
  });

  it('answers in a row matrix to those who ask for it', async () => {
    const { emulator } = await filled();
    const key = (type: 'INF_MIN' | 'INF_MAX') => encodeKey(['gid', 'seq'].map((name) => ({ name, value: { type } })));
    const { rows, dataBlockType } = await call(emulator, 'GetRange', [GetRangeRequest, GetRangeResponse], {
      tableName: 't',
      direction: 0,
      maxVersions: 1,
      limit: 2,
      inclusiveStart: key('INF_MIN'),
      exclusiveEnd: key('INF_MAX'),
      dataBlockTypeHint: DataBlockType.ROW_MATRIX,
    });
    const bytes = Buffer.from(rows);
    expect(dataBlockType).toBe(DataBlockType.ROW_MATRIX);
    expect(bytes.subarray(0, 4).toString('latin1')).toBe('SRM0');
    const [dataOffset, optionOffset, keyCount, columnCount] = [4, 8, 12, 16].map((offset) => bytes.readInt32LE(offset));
    expect([keyCount, columnCount]).toEqual([2, 1]);
    expect(bytes.subarray(20, optionOffset).toString('hex')).toBe('03006769640300736571010063');
    expect(bytes.subarray(optionOffset, dataOffset).toString('hex')).toBe('0a010302000000');
    const row = (seq: string) => `02030100000061${`00${seq}00000000000000`}030100000076`;
    expect(bytes.subarray(dataOffset, -2).toString('hex')).toBe(row('01') + row('02'));
  });
});
