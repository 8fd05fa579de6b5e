import { describe, expect, it } from 'vitest';
import { SyncPhase } from '../../emulator/wire/messages-search.js';
import { ALL, field, ids, indexed, PEOPLE, query, run, SCHEMA, write } from './people-index.js';
import { columnsOf, condition, errorOf, keyOf, sdk } from './sdk.js';

const { FieldType, ColumnReturnType, SortOrder } = sdk;

describe('pages', () => {
  const byAge = (order: number | undefined) => ({ sorters: [{ fieldSort: { fieldName: 'age', order } }] });

  it('are sorted, rows without a value last', async () => {
    const client = await indexed();
    expect(await ids(client, ALL, { sort: byAge(SortOrder.SORT_ORDER_ASC) })).toBe('bacd');
    expect(await ids(client, ALL, { sort: byAge(SortOrder.SORT_ORDER_DESC) })).toBe('cabd');
    expect(
      await ids(client, ALL, { sort: { sorters: [{ primaryKeySort: { order: SortOrder.SORT_ORDER_DESC } }] } }),
    ).toBe('dcba');
  });

  it('have an offset, a limit of 10 by default, and a total if asked for', async () => {
    const client = await indexed();
    for (let index = 0; index < 10; index++) await write(client, `e${index}`, { name: 'e' });
    const page = await run(client, { query: ALL, offset: 2, getTotalCount: true });
    expect([page.rows.length, page.totalCounts]).toEqual([10, '14']);
    expect((await run(client, { query: ALL, offset: 12 })).rows).toHaveLength(2);
    expect((await run(client, { query: ALL })).totalCounts).toBeUndefined();
  });

  it('go on by token in the same order, and give one exactly when they are full', async () => {
    const client = await indexed();
    const first = await run(client, { query: ALL, limit: 2, sort: byAge(SortOrder.SORT_ORDER_ASC) });
    const second = await run(client, { query: ALL, limit: 2, token: first.nextToken });
    const third = await run(client, { query: ALL, limit: 2, token: second.nextToken });
    expect([first, second, third].map(({ rows }) => rows.map((row) => keyOf(row)[0]).join(''))).toEqual([
      'ba',
      'cd',
      '',
    ]);
    expect(second.nextToken?.length).toBeGreaterThan(0);
    expect(third.nextToken?.length ?? 0).toBe(0);
    expect((await errorOf(run(client, { query: ALL, offset: 1, limit: 2, token: first.nextToken }))).code).toBe(
      'OTSParameterInvalid',
    );
  });

  it('have no token where nothing puts rows in order: no sort, and nested fields in the index', async () => {
    const client = await indexed();
    const full = { query: ALL, limit: 2 };
    expect((await run(client, full)).nextToken?.length ?? 0).toBe(0);
    const flat = { fieldSchemas: [field('name', FieldType.KEYWORD)] };
    await client.createSearchIndex({ tableName: 't', indexName: 'flat', schema: flat });
    const { nextToken } = await client.search({
      tableName: 't',
      indexName: 'flat',
      searchQuery: full,
      columnToGet: { returnType: ColumnReturnType.RETURN_NONE },
    });
    expect(nextToken?.length).toBeGreaterThan(0);
  });

  it('hold the columns that are asked for', async () => {
    const client = await indexed();
    const wanted = query('TERM', { fieldName: 'name', term: 'ann' });
    await write(client, 'a', { ...PEOPLE.a, unindexed: 'u' });
    const names = async (returnType: number | undefined, returnNames: string[] = []) => {
      const { rows } = await run(client, { query: wanted }, { returnType, returnNames });
      return Object.keys(columnsOf(rows[0]!));
    };
    expect(await names(ColumnReturnType.RETURN_NONE)).toEqual([]);
    expect(await names(ColumnReturnType.RETURN_ALL)).toEqual([
      'age',
      'day',
      'name',
      'place',
      'tags',
      'text',
      'unindexed',
    ]);
    expect(await names(ColumnReturnType.RETURN_SPECIFIED, ['age', 'nope'])).toEqual(['age']);
    expect(await names(ColumnReturnType.RETURN_ALL_FROM_INDEX)).toEqual([
      'age',
      'day',
      'name',
      'place',
      'tags',
      'text',
    ]);
  });

  it('end at 100 rows and at 10,000 deep', async () => {
    const client = await indexed();
    const all = { returnType: ColumnReturnType.RETURN_ALL };
    expect((await errorOf(run(client, { query: ALL, limit: 101 }, all))).code).toBe('OTSParameterInvalid');
    expect((await errorOf(run(client, { query: ALL, limit: 100, offset: 9901 }, all))).code).toBe(
      'OTSParameterInvalid',
    );
  });
});

describe('indexes', () => {
  it('trail their table by the lag, for writes and deletions', async () => {
    let now = 1_700_000_000_000;
    const client = await indexed({ searchLagMs: 1000, now: () => now });
    const phase = async () => (await client.describeSearchIndex({ tableName: 't', indexName: 'i' })).syncStat.syncPhase;
    expect([await ids(client, ALL), await phase()]).toEqual(['', SyncPhase.FULL]);
    now += 1000;
    expect([await ids(client, ALL), await phase()]).toEqual(['abcd', SyncPhase.INCR]);
    await client.deleteRow({ tableName: 't', condition: condition(), primaryKey: [{ id: 'b' }] });
    expect(await ids(client, ALL)).toBe('abcd');
    now += 1000;
    expect(await ids(client, ALL)).toBe('acd');
  });

  it('take in what their table held before them', async () => {
    const client = await indexed();
    await client.createSearchIndex({ tableName: 't', indexName: 'late', schema: SCHEMA });
    const { rows } = await client.search({
      tableName: 't',
      indexName: 'late',
      searchQuery: { query: ALL },
      columnToGet: { returnType: ColumnReturnType.RETURN_NONE },
    });
    expect(rows).toHaveLength(4);
  });

  it('are described with the defaults of what was left out', async () => {
    const client = await indexed();
    await client.createSearchIndex({
      tableName: 't',
      indexName: 'bare',
      schema: { fieldSchemas: [{ fieldName: 'text', fieldType: FieldType.TEXT }] },
    });
    const { schema } = await client.describeSearchIndex({ tableName: 't', indexName: 'bare' });
    expect(schema.fieldSchemas[0]).toMatchObject({
      index: true,
      docValues: false,
      isArray: false,
      analyzer: 'single_word',
    });
  });

  it('are described, listed and deleted, and keep their table from being deleted', async () => {
    const client = await indexed();
    const { schema } = await client.describeSearchIndex({ tableName: 't', indexName: 'i' });
    expect(schema.fieldSchemas.map(({ fieldName }) => fieldName)).toEqual([
      'id',
      'name',
      'text',
      'tags',
      'age',
      'place',
      'day',
      'parts',
    ]);
    expect((await errorOf(client.deleteTable({ tableName: 't' }))).text).toContain(
      'Table[t] who has at least one search index cannot be deleted',
    );
    await client.deleteSearchIndex({ tableName: 't', indexName: 'i' });
    expect((await client.listSearchIndex({ tableName: 't' })).indices).toEqual([]);
    expect(await errorOf(ids(client, ALL))).toMatchObject({
      code: 'OTSMetaNotMatch',
      text: expect.stringContaining('search index [i] does not exist'),
    });
    await client.deleteTable({ tableName: 't' });
    expect((await errorOf(ids(client, ALL))).text).toContain('table [t] does not exist');
  });
});
