import { describe, expect, it } from 'vitest';
import {
  columnsOf,
  condition,
  createTable,
  errorOf,
  get,
  int,
  keyOf,
  put,
  returnKey,
  type SdkClient,
  start,
} from './sdk.js';

const row1 = { tableName: 't', condition: condition(), primaryKey: [{ gid: 'a' }, { seq: int(1) }] };
const update = (client: SdkClient, changes: Readonly<Record<string, unknown>>[], more = {}) =>
  client.updateRow({ ...row1, updateOfAttributeColumns: changes, ...more });

describe('PutRow and GetRow', () => {
  it('bring back every type of value, sorted by name', async () => {
    const { client } = await start();
    await createTable(client, 't');
    const columns = [
      { text: 'ä中😀' },
      { big: int(2n ** 63n - 1n) },
      { small: int(-(2n ** 63n)) },
      { ratio: -0.5 },
      { yes: true },
      { bytes: Buffer.from([0, 255]) },
      { none: '' },
    ];
    await put(client, 't', 'a', 1, columns);
    const { row, consumed } = await get(client, 't', 'a', 1);
    expect(keyOf(row)).toEqual(['a', '1']);
    expect(Object.entries(columnsOf(row))).toEqual([
      ['big', '9223372036854775807'],
      ['bytes', '00ff'],
      ['none', ''],
      ['ratio', -0.5],
      ['small', '-9223372036854775808'],
      ['text', 'ä中😀'],
      ['yes', true],
    ]);
    expect(consumed.capacityUnit).toEqual({ read: 1, write: 0 });
  });

  it('give nothing for a missing row, and the key alone for one without columns', async () => {
    const { client } = await start();
    await createTable(client, 't');
    expect((await get(client, 't', 'a', 1)).row).toEqual({});
    await put(client, 't', 'a', 1, []);
    expect(keyOf((await get(client, 't', 'a', 1)).row)).toEqual(['a', '1']);
  });

  it('replace the whole row', async () => {
    const { client } = await start();
    await createTable(client, 't');
    await put(client, 't', 'a', 1, [{ old: 'x' }, { both: 'x' }]);
    await put(client, 't', 'a', 1, [{ both: 'y' }]);
    expect(columnsOf((await get(client, 't', 'a', 1)).row)).toEqual({ both: 'y' });
  });

  it('return the key when asked to', async () => {
    const { client } = await start();
    await createTable(client, 't');
    expect((await put(client, 't', 'a', 1)).row).toEqual({});
    expect(keyOf((await put(client, 't', 'a', 1, [{ c: 'v' }], { returnContent: returnKey })).row)).toEqual(['a', '1']);
  });

  it('count capacity units of 4 KB, and a read where there is a condition', async () => {
    const { client } = await start();
    await createTable(client, 't');
    const units = async (call: Promise<{ consumed: { capacityUnit: unknown } }>) => (await call).consumed.capacityUnit;
    const exact = [{ c: 'x'.repeat(4096 - 'gid'.length - 'a'.length - 'seq'.length - 8 - 'c'.length) }];
    expect(await units(put(client, 't', 'a', 1, exact))).toEqual({ read: 0, write: 1 });
    expect(await units(get(client, 't', 'a', 1))).toEqual({ read: 1, write: 0 });
    const large = [{ c: 'x'.repeat(4096) }];
    expect(await units(put(client, 't', 'a', 1, large))).toEqual({ read: 0, write: 2 });
    expect(await units(get(client, 't', 'a', 1))).toEqual({ read: 2, write: 0 });
    expect(await units(get(client, 't', 'a', 2))).toEqual({ read: 1, write: 0 });
    expect(await units(put(client, 't', 'a', 1, [{ c: 'x' }], { condition: condition('EXPECT_EXIST') }))).toEqual({
      read: 1,
      write: 1,
    });
  });

  it('select columns: none of them is no row, a key column is always there', async () => {
    const { client } = await start();
    await createTable(client, 't');
    await put(client, 't', 'a', 1, [{ c: 'v' }, { d: 'w' }]);
    const read = async (columnsToGet: string[]) => (await get(client, 't', 'a', 1, { columnsToGet })).row;
    expect(columnsOf(await read(['d']))).toEqual({ d: 'w' });
    expect(await read(['nope'])).toEqual({});
    expect(keyOf(await read(['gid', 'nope']))).toEqual(['a', '1']);
    const range = await get(client, 't', 'a', 1, { startColumn: 'c', endColumn: 'd' });
    expect(columnsOf(range.row)).toEqual({ c: 'v' });
  });
});

describe('UpdateRow and DeleteRow', () => {
  it('put, delete one version, delete all versions and increment', async () => {
    const { client } = await start();
    await createTable(client, 't', { options: { maxVersions: 3, maxTimeDeviation: 10 ** 10 } });
    await put(client, 't', 'a', 1, [{ gone: 'x' }, { kept: 'x' }]);
    for (const timestamp of [1000, 2000])
      await update(client, [{ PUT: [{ v: `at ${timestamp}`, timestamp: int(timestamp) }] }]);
    await update(client, [{ PUT: [{ added: 'y' }] }, { DELETE_ALL: ['gone'] }, { DELETE: [{ v: int(2000) }] }]);
    expect(columnsOf((await get(client, 't', 'a', 1, { maxVersions: 3 })).row)).toEqual({
      added: 'y',
      kept: 'x',
      v: 'at 1000',
    });
  });

  it('increment from nothing, keep 64 bits and return what was incremented', async () => {
    const { client } = await start();
    await createTable(client, 't');
    const add = async (amount: string) => {
      const { row } = await update(client, [{ INCREMENT: [{ n: int(amount) }] }], {
        returnContent: { returnType: 2, returnColumns: ['n'] },
      });
      return [keyOf(row), columnsOf(row)];
    };
    expect(await add('9007199254740993')).toEqual([['a', '1'], { n: '9007199254740993' }]);
    expect(await add('-1')).toEqual([['a', '1'], { n: '9007199254740992' }]);
    const refused = await errorOf(
      update(client, [{ INCREMENT: [{ n: int(1) }] }], { returnContent: { returnType: 2, returnColumns: ['c'] } }),
    );
    expect(refused.code).toBe('OTSParameterInvalid');
    expect(columnsOf((await get(client, 't', 'a', 1)).row)).toEqual({ n: '9007199254740992' });
  });

  it('refuse to increment what is no number, and an update of nothing', async () => {
    const { client } = await start();
    await createTable(client, 't');
    await put(client, 't', 'a', 1, [{ n: 'text' }]);
    expect((await errorOf(update(client, [{ INCREMENT: [{ n: int(1) }] }]))).code).toBe('OTSParameterInvalid');
    expect((await errorOf(update(client, []))).text).toContain('Attribute column is missing.');
  });

  it('create a row with a put, none with deletes alone', async () => {
    const { client } = await start();
    await createTable(client, 't');
    await update(client, [{ DELETE_ALL: ['c'] }]);
    expect((await get(client, 't', 'a', 1)).row).toEqual({});
    await update(client, [{ PUT: [{ c: 'v' }] }]);
    expect(columnsOf((await get(client, 't', 'a', 1)).row)).toEqual({ c: 'v' });
  });

  it('delete a row, and need none to', async () => {
    const { client } = await start();
    await createTable(client, 't');
    await put(client, 't', 'a', 1);
    await client.deleteRow(row1);
    await client.deleteRow(row1);
    expect((await get(client, 't', 'a', 1)).row).toEqual({});
  });
});

describe('versions', () => {
  const DAY = 86_400_000;
  const stamped = (value: string, timestamp: number) => ({ PUT: [{ c: value, timestamp: int(timestamp) }] });

  it('are kept up to the most that the table allows, newest first', async () => {
    const now = 1_700_000_000_000;
    const { client } = await start({ now: () => now });
    await createTable(client, 't', { options: { maxVersions: 2 } });
    for (const [value, offset] of [
      ['b', 2],
      ['a', 1],
      ['d', 4],
      ['c', 3],
    ] as const)
      await update(client, [stamped(value, now + offset)]);
    const read = async (more: object) =>
      ((await get(client, 't', 'a', 1, more)).row.attributes ?? []).map(({ columnValue, timestamp }) => [
        columnValue,
        Number(timestamp) - now,
      ]);
    expect(await read({ maxVersions: 5 })).toEqual([
      ['d', 4],
      ['c', 3],
    ]);
    expect(await read({ maxVersions: 1 })).toEqual([['d', 4]]);
    expect(await read({ maxVersions: 5, timeRange: { startTime: String(now), endTime: String(now + 4) } })).toEqual([
      ['c', 3],
    ]);
    expect(await read({ maxVersions: 5, timeRange: { specificTime: String(now + 4) } })).toEqual([['d', 4]]);
    const outside = await get(client, 't', 'a', 1, { timeRange: { startTime: '0', endTime: '1' } });
    expect([keyOf(outside.row), columnsOf(outside.row)]).toEqual([['a', '1'], {}]);
  });

  it('of one millisecond replace each other where one is kept, the last write staying', async () => {
    const { client } = await start({ now: () => 1_700_000_000_000 });
    await createTable(client, 't');
    for (const c of ['a', 'b', 'c']) {
      await update(client, [{ PUT: [{ c }] }]);
      expect(columnsOf((await get(client, 't', 'a', 1)).row)).toEqual({ c });
    }
  });

  it('of one millisecond are told apart where more are kept, though not within one request', async () => {
    const { client } = await start({ now: () => 1_700_000_000_000 });
    await createTable(client, 't', { options: { maxVersions: 5 } });
    await update(client, [{ PUT: [{ c: 'swallowed' }] }, { PUT: [{ c: 'a' }] }]);
    for (const c of ['b', 'c']) await update(client, [{ PUT: [{ c }] }]);
    const { row } = await get(client, 't', 'a', 1, { maxVersions: 5 });
    expect(row.attributes?.map(({ columnValue }) => columnValue)).toEqual(['c', 'b', 'a']);
  });

  it('must lie within the deviation of the clock and the TTL', async () => {
    const now = 1_700_000_000_000;
    const { client } = await start({ now: () => now });
    await createTable(client, 't', { options: { maxTimeDeviation: 3 * 86_400, timeToLive: 2 * 86_400 } });
    await update(client, [stamped('x', now + 3 * DAY)]);
    await update(client, [stamped('x', now - 2 * DAY)]);
    for (const timestamp of [now + 3 * DAY + 1, now - 2 * DAY - 1]) {
      expect((await errorOf(update(client, [stamped('x', timestamp)]))).code).toBe('OTSParameterInvalid');
    }
  });

  it('expire with the TTL, each for itself, the row with the last', async () => {
    let now = 1_700_000_000_000;
    const { client } = await start({ now: () => now });
    await createTable(client, 't', { options: { timeToLive: 86_400 } });
    await put(client, 't', 'a', 1, [{ early: 'x' }]);
    now += DAY / 2;
    await update(client, [{ PUT: [{ late: 'y' }] }]);
    now += DAY / 2 + 1;
    expect(columnsOf((await get(client, 't', 'a', 1)).row)).toEqual({ late: 'y' });
    now += DAY / 2;
    expect((await get(client, 't', 'a', 1)).row).toEqual({});
    expect((await errorOf(put(client, 't', 'a', 1, [{ c: 'v' }], { condition: condition('EXPECT_EXIST') }))).code).toBe(
      'OTSConditionCheckFail',
    );
    await put(client, 't', 'a', 1, [{ c: 'v' }], { condition: condition('EXPECT_NOT_EXIST') });
  });
});
