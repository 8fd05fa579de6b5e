import { describe, expect, it } from 'vitest';
import { columnsOf, condition, createTable, errorOf, get, int, put, type SdkClient, sdk, start } from './sdk.js';

const { ComparatorType, LogicalOperator } = sdk;
const column = (
  name: string,
  value: unknown,
  comparator: unknown = ComparatorType.EQUAL,
  passIfMissing = true,
  latestOnly = true,
) => new sdk.SingleColumnCondition(name, value, comparator, passIfMissing, latestOnly);
const combined = (operator: unknown, ...parts: unknown[]) => {
  const composite = new sdk.CompositeCondition(operator);
  for (const part of parts) composite.addSubCondition(part);
  return composite;
};
const passes = async (write: Promise<unknown>) => {
  const outcome = await write.then(
    () => 'written',
    async (error: unknown) => errorOf(Promise.reject(error)),
  );
  if (outcome !== 'written')
    expect(outcome).toMatchObject({
      code: 'OTSConditionCheckFail',
      status: 403,
      text: expect.stringContaining('Condition check failed.'),
    });
  return outcome === 'written';
};

describe('row existence', () => {
  it.each([
    ['IGNORE', true, true],
    ['EXPECT_EXIST', true, false],
    ['EXPECT_NOT_EXIST', false, true],
  ] as const)('%s passes on a row that is there: %s, on one that is not: %s', async (existence, there, missing) => {
    const { client } = await start();
    await createTable(client, 't');
    const writes = (seq: number) => {
      const row = { tableName: 't', condition: condition(existence), primaryKey: [{ gid: 'a' }, { seq: int(seq) }] };
      return [
        () => client.putRow({ ...row, attributeColumns: [{ c: 'v' }] }),
        () => client.updateRow({ ...row, updateOfAttributeColumns: [{ PUT: [{ c: 'v' }] }] }),
        () => client.deleteRow(row),
      ];
    };
    for (const write of writes(1)) {
      await put(client, 't', 'a', 1);
      expect(await passes(write())).toBe(there);
    }
    for (const write of writes(2)) {
      await client.deleteRow({ tableName: 't', condition: condition(), primaryKey: [{ gid: 'a' }, { seq: int(2) }] });
      expect(await passes(write())).toBe(missing);
    }
  });

  it('lets exactly one of many racing writers create a row', async () => {
    const { client } = await start();
    await createTable(client, 't');
    const race = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        passes(put(client, 't', 'a', 1, [{ c: `${index}` }], { condition: condition('EXPECT_NOT_EXIST') })),
      ),
    );
    expect(race.filter((won) => won)).toHaveLength(1);
    expect(columnsOf((await get(client, 't', 'a', 1)).row)).toEqual({ c: String(race.indexOf(true)) });
  });
});

describe('column conditions', () => {
  const write = async (client: SdkClient, test: unknown, seq = 1) =>
    passes(put(client, 't', 'a', seq, [{ n: int(5) }, { s: 'b' }], { condition: condition('IGNORE', test) }));

  it('compare in every way with the stored row', async () => {
    const { client } = await start();
    await createTable(client, 't');
    await put(client, 't', 'a', 1, [{ n: int(5) }, { s: 'b' }]);
    const results = [];
    for (const operator of [
      'EQUAL',
      'NOT_EQUAL',
      'GREATER_THAN',
      'GREATER_EQUAL',
      'LESS_THAN',
      'LESS_EQUAL',
    ] as const) {
      const row = [];
      for (const value of [4, 5, 6]) row.push(await write(client, column('n', int(value), ComparatorType[operator])));
      results.push([operator, ...row]);
    }
    expect(results).toEqual([
      ['EQUAL', false, true, false],
      ['NOT_EQUAL', true, false, true],
      ['GREATER_THAN', true, false, false],
      ['GREATER_EQUAL', true, true, false],
      ['LESS_THAN', false, false, true],
      ['LESS_EQUAL', false, true, true],
    ]);
    expect(await write(client, column('s', 'b'))).toBe(true);
    expect(await write(client, column('s', int(5)))).toBe(false);
  });

  it('decide about a missing column, and a missing row, by passIfMissing', async () => {
    const { client } = await start();
    await createTable(client, 't');
    await put(client, 't', 'a', 1);
    for (const seq of [1, 2]) {
      expect(await write(client, column('nope', 'x', ComparatorType.EQUAL, false), seq)).toBe(false);
      expect(await write(client, column('nope', 'x', ComparatorType.EQUAL, true), seq)).toBe(true);
    }
  });

  it('combine by AND, OR and NOT', async () => {
    const { client } = await start();
    await createTable(client, 't');
    await put(client, 't', 'a', 1, [{ n: int(5) }, { s: 'b' }]);
    const [yes, no] = [column('n', int(5)), column('s', 'x')];
    const { AND, OR, NOT } = LogicalOperator;
    expect(await write(client, combined(AND, yes, yes))).toBe(true);
    expect(await write(client, combined(AND, yes, no))).toBe(false);
    expect(await write(client, combined(OR, no, yes))).toBe(true);
    expect(await write(client, combined(OR, no, no))).toBe(false);
    expect(await write(client, combined(NOT, combined(AND, yes, no)))).toBe(true);
  });

  it('are at most 32, and name columns that can be', async () => {
    const { client } = await start();
    await createTable(client, 't');
    const many = combined(LogicalOperator.AND, ...Array.from({ length: 32 }, () => column('n', int(5))));
    const refused = await errorOf(put(client, 't', 'a', 1, [{ c: 'v' }], { condition: condition('IGNORE', many) }));
    expect(refused.text).toContain('The count of filter exceeds the max: 32.');
    const misnamed = put(client, 't', 'a', 1, [{ c: 'v' }], { condition: condition('IGNORE', column('#n', int(5))) });
    expect((await errorOf(misnamed)).text).toContain("Invalid column name: '#n'.");
  });
});

describe('filters of reads', () => {
  it('drop rows, and see only the columns that were read', async () => {
    const { client } = await start();
    await createTable(client, 't');
    await put(client, 't', 'a', 1, [{ n: int(5) }, { s: 'b' }]);
    const read = async (filter: unknown, more = {}) =>
      columnsOf((await get(client, 't', 'a', 1, { columnFilter: filter, ...more })).row);
    expect(await read(column('n', int(5)))).toEqual({ n: '5', s: 'b' });
    expect(await read(column('n', int(6)))).toEqual({});
    expect(await read(column('n', int(6)), { columnsToGet: ['s'] })).toEqual({ s: 'b' });
  });

  it('look at the newest version, or at any if asked to', async () => {
    const { client } = await start();
    await createTable(client, 't', { options: { maxVersions: 2, maxTimeDeviation: 10 ** 10 } });
    for (const at of [1000, 2000]) {
      await client.updateRow({
        tableName: 't',
        condition: condition(),
        primaryKey: [{ gid: 'a' }, { seq: int(1) }],
        updateOfAttributeColumns: [{ PUT: [{ n: int(at), timestamp: int(at) }] }],
      });
    }
    const count = async (latestOnly: boolean) => {
      const columnFilter = column('n', int(1000), ComparatorType.EQUAL, true, latestOnly);
      return (await get(client, 't', 'a', 1, { maxVersions: 2, columnFilter })).row.attributes?.length ?? 0;
    };
    expect([await count(true), await count(false)]).toEqual([0, 2]);
  });

  it('page through the columns of a row', async () => {
    const { client } = await start();
    await createTable(client, 't');
    await put(
      client,
      't',
      'a',
      1,
      ['a', 'b', 'c', 'd'].map((name) => ({ [name]: name })),
    );
    const columnFilter = new sdk.ColumnPaginationFilter(2, 1);
    expect(columnsOf((await get(client, 't', 'a', 1, { columnFilter })).row)).toEqual({ b: 'b', c: 'c' });
  });
});
