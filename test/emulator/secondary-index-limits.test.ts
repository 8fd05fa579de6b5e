import { describe, expect, it } from 'vitest';
import { createTable, errorOf, type SdkClient, start } from './sdk.js';

const numbered = (count: number, prefix = 'd') => Array.from({ length: count }, (_, number) => `${prefix}${number}`);
const definedColumn = numbered(32).map((name) => ({ name, type: 4 }));
const meta = (name: string, primaryKey: readonly string[], columns: readonly string[] = [], more = {}) => ({
  name,
  primaryKey,
  definedColumn: columns,
  ...more,
});
const create = (client: SdkClient, ...indexMetas: unknown[]) =>
  createTable(client, 't', { meta: { definedColumn }, more: { indexMetas } });
const add = (client: SdkClient, indexMeta: unknown) =>
  client.createIndex({ mainTableName: 't', indexMeta, includeBaseData: false });

const KEYS = 'The number of primary key columns must be in range: [1, 4] in index.';
const COLUMNS = 'The number of attribute columns must be in range: [0, 32] in index.';
const QUOTA = 'Number of index per table exceeds the quota:5.';

describe('secondary indexes', () => {
  it.each([
    ['no key', meta('i', []), KEYS],
    ['five keys', meta('i', numbered(5)), KEYS],
    ['33 columns', meta('i', ['gid'], numbered(33)), COLUMNS],
    ['a column twice', meta('i', ['d0', 'd0']), "Duplicated column name: 'd0' in index."],
    ['a column as key and as column', meta('i', ['d0'], ['d0']), "Duplicated column name: 'd0' in index."],
    ['a bad name', meta('1', ['d0']), "Invalid index name: '1'."],
    ['a column that is not defined', meta('i', ['e']), "Column 'e' cannot be a primary key of index 'i'."],
    [
      'another partition key though it is local',
      meta('i', ['d0'], [], { indexUpdateMode: 1, indexType: 1 }),
      "The first primary key column of local index 'i' must be 'gid'.",
    ],
  ])('are refused with %s, with their table and afterwards', async (_, index, text) => {
    const { client } = await start();
    const refused = await errorOf(create(client, index));
    expect([refused.code, refused.text]).toEqual(['OTSParameterInvalid', expect.stringContaining(text)]);
    expect((await client.listTable({})).tableNames).toEqual([]);
    await create(client);
    expect((await errorOf(add(client, index))).text).toContain(text);
    expect((await client.describeTable({ tableName: 't' })).indexMetas).toEqual([]);
  });

  it('are checked before their table is looked up', async () => {
    const { client } = await start();
    expect((await errorOf(add(client, meta('i', [])))).text).toContain(KEYS);
    expect((await errorOf(add(client, meta('i', ['d0'])))).code).toBe('OTSObjectNotExist');
  });

  it('are at most five', async () => {
    const { client } = await start();
    const six = numbered(6, 'i').map((name) => meta(name, ['d0']));
    expect((await errorOf(create(client, ...six))).text).toContain(QUOTA);
    await create(client, ...six.slice(0, 4));
    await add(client, six[4]);
    expect((await errorOf(add(client, six[5]))).text).toContain(QUOTA);
    await client.dropIndex({ mainTableName: 't', indexName: 'i0' });
    await add(client, six[5]);
  });

  it('may have four keys and 32 columns, and be local', async () => {
    const { client } = await start();
    await create(
      client,
      meta('i', numbered(4)),
      meta('j', ['gid'], numbered(32), { indexUpdateMode: 1, indexType: 1 }),
    );
    expect((await client.describeTable({ tableName: 't' })).indexMetas.map(({ name }) => name)).toEqual(['i', 'j']);
  });

  it('have names of their own', async () => {
    const { client } = await start();
    for (const names of [['i', 'i'], ['t']]) {
      expect((await errorOf(create(client, ...names.map((name) => meta(name, ['d0']))))).code).toBe(
        'OTSObjectAlreadyExist',
      );
    }
  });
});

describe('defined columns', () => {
  it.each([
    [
      'twice',
      [
        { name: 'd', type: 4 },
        { name: 'd', type: 1 },
      ],
      "Duplicated defined column name: 'd'.",
    ],
    ['named as a key', [{ name: 'gid', type: 4 }], "Duplicated defined column name: 'gid'."],
    ['of no type', [{ name: 'd', type: 6 }], '6 is an invalid type for the defined column.'],
  ])('are refused %s', async (_, columns, text) => {
    const { client } = await start();
    expect((await errorOf(createTable(client, 't', { meta: { definedColumn: columns } }))).text).toContain(text);
  });
});
