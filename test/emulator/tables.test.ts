import { describe, expect, it } from 'vitest';
import {
  ComputeSplitPointsRequest,
  ComputeSplitPointsResponse,
  CreateTableRequest,
  Empty,
  ListStreamRequest,
  ListStreamResponse,
  ListTimeseriesTableResponse,
  PrimaryKeyType,
  TableStatus,
} from '../../emulator/wire/messages-table.js';
import { encode } from '../../emulator/wire/protobuf.js';
import { call, postError } from './raw-client.js';
import { condition, createTable, errorOf, get, int, keyOf, put, sdk, start } from './sdk.js';

describe('tables', () => {
  it('are created, listed, described and deleted', async () => {
    const { client } = await start();
    await createTable(client, 'messages', {
      key: { gid: 'STRING', seq: 'AUTO' },
      options: { timeToLive: 86_400, maxVersions: 2 },
    });
    expect((await client.listTable({})).tableNames).toEqual(['messages']);
    const described = await client.describeTable({ tableName: 'messages' });
    expect(described.tableMeta.primaryKey.map(({ name, type }) => [name, type])).toEqual([
      ['gid', PrimaryKeyType.STRING],
      ['seq', PrimaryKeyType.INTEGER],
    ]);
    expect(described.tableMeta.primaryKey.map((column) => Object.hasOwn(column, 'option'))).toEqual([false, true]);
    expect(described.tableOptions).toMatchObject({ timeToLive: 86_400, maxVersions: 2, allowUpdate: true });
    expect(String(described.tableOptions.deviationCellVersionInSec)).toBe('86400');
    expect(described.tableStatus).toBe(TableStatus.ACTIVE);
    await client.deleteTable({ tableName: 'messages' });
    expect((await client.listTable({})).tableNames).toEqual([]);
  });

  it('are empty when deleted and created again', async () => {
    const { client } = await start();
    await createTable(client, 't');
    await put(client, 't', 'a', 1);
    await client.deleteTable({ tableName: 't' });
    await createTable(client, 't');
    expect((await get(client, 't', 'a', 1)).row).toEqual({});
  });

  it('change their options one at a time', async () => {
    const { client } = await start();
    await createTable(client, 't', { options: { timeToLive: 100_000, maxVersions: 3 } });
    await client.updateTable({ tableName: 't', tableOptions: { maxVersions: 5 } });
    const { tableOptions } = await client.describeTable({ tableName: 't' });
    expect(tableOptions).toMatchObject({ timeToLive: 100_000, maxVersions: 5 });
  });

  it('answer OTSObjectNotExist when missing and OTSObjectAlreadyExist when there', async () => {
    const { client } = await start();
    const missing = { code: 'OTSObjectNotExist', status: 404 };
    expect(await errorOf(client.describeTable({ tableName: 't' }))).toMatchObject(missing);
    expect(await errorOf(client.deleteTable({ tableName: 't' }))).toMatchObject(missing);
    expect(await errorOf(put(client, 't', 'a', 1))).toMatchObject(missing);
    expect(await errorOf(get(client, 't', 'a', 1))).toMatchObject(missing);
    await createTable(client, 't');
    expect(await errorOf(createTable(client, 't'))).toMatchObject({ code: 'OTSObjectAlreadyExist', status: 409 });
  });

  it('answer reads of a missing table the other way if so configured, writes never', async () => {
    const { client } = await start({ missingTableOnRead: 'OTSParameterInvalid' });
    const read = await errorOf(get(client, 't', 'a', 1));
    expect([read.code, read.text]).toEqual([
      'OTSParameterInvalid',
      expect.stringContaining('table [t] does not exist'),
    ]);
    expect((await errorOf(put(client, 't', 'a', 1))).code).toBe('OTSObjectNotExist');
  });

  it('are one split of their key schema', async () => {
    const { client, emulator } = await start();
    await createTable(client, 't');
    const messages = [ComputeSplitPointsRequest, ComputeSplitPointsResponse] as const;
    const { schema, splitPoints, locations } = await call(emulator, 'ComputeSplitPointsBySize', messages, {
      tableName: 't',
      splitSize: 1n,
    });
    expect([schema.map(({ name }) => name), splitPoints]).toEqual([['gid', 'seq'], []]);
    // The Java SDK gives each split its location, and fails if there are fewer.
    expect(locations).toEqual([{ location: expect.stringMatching(/^[0-9a-f]{32}$/), repeat: 1n }]);
  });

  it('are split by sizes that make sense', async () => {
    const { client, emulator } = await start();
    await createTable(client, 't');
    const refused = async (splitSize: bigint, splitSizeUnit?: bigint) =>
      (
        await postError(
          emulator,
          'ComputeSplitPointsBySize',
          encode(ComputeSplitPointsRequest, { tableName: 't', splitSize, splitSizeUnit }),
        )
      ).message;
    expect(await refused(0n)).toBe('The split_size should be greater than 0.');
    expect(await refused(1000n, 0n)).toBe('The split_size_unit_in_byte should be greater equal than: 1048576');
  });

  it('are listed with their streams, and no time series', async () => {
    const { client, emulator } = await start();
    await createTable(client, 't');
    await createTable(client, 'streamed', {
      more: { streamSpecification: { enableStream: true, expirationTime: 24 } },
    });
    const streams = async (tableName?: string) =>
      (await call(emulator, 'ListStream', [ListStreamRequest, ListStreamResponse], { tableName })).streams;
    expect(await streams()).toEqual([
      { streamId: expect.stringMatching(/^streamed_\d+$/), tableName: 'streamed', creationTime: expect.any(BigInt) },
    ]);
    expect([await streams('t'), await streams('u')]).toEqual([[], []]);
    expect(await call(emulator, 'ListTimeseriesTable', [Empty, ListTimeseriesTableResponse], {})).toEqual({
      tables: [],
    });
  });

  it('allow no UpdateRow when allow_update is off', async () => {
    const { client } = await start();
    await createTable(client, 't', { options: { allowUpdate: false } });
    const update = () =>
      client.updateRow({
        tableName: 't',
        condition: condition(),
        primaryKey: [{ gid: 'a' }, { seq: int(1) }],
        updateOfAttributeColumns: [{ PUT: [{ c: 'v' }] }],
      });
    expect((await errorOf(update())).code).toBe('OTSParameterInvalid');
    await put(client, 't', 'a', 1);
    await client.updateTable({ tableName: 't', tableOptions: { allowUpdate: true } });
    await update();
  });

  it('are not ready at once if so configured', async () => {
    let now = 1_700_000_000_000;
    const { client } = await start({ tableReadyAfterMs: 3000, now: () => now });
    await createTable(client, 't');
    expect((await client.describeTable({ tableName: 't' })).tableStatus).toBe(TableStatus.LOADING);
    expect(await errorOf(put(client, 't', 'a', 1))).toMatchObject({ code: 'OTSTableNotReady', status: 404 });
    now += 3000;
    await put(client, 't', 'a', 1);
    expect((await client.describeTable({ tableName: 't' })).tableStatus).toBe(TableStatus.ACTIVE);
  });

  it('are limited in number, and in operations per second if so configured', async () => {
    const { client } = await start({ limits: { tables: 2 }, tableOperationsPerSecond: 4 });
    await createTable(client, 'a');
    await createTable(client, 'b');
    const full = await errorOf(createTable(client, 'c'));
    expect(full.text).toContain('Number of tables exceeds the quota:2.');
    const codes = await Promise.all(Array.from({ length: 12 }, () => errorOf(client.deleteTable({ tableName: 'x' }))));
    expect(codes.some(({ text }) => text.includes('Too frequent table operations.'))).toBe(true);
  });

  it.each([
    ['a bad name', { tableName: '1t' }, "Invalid table name: '1t'."],
    ['no key', { primaryKey: [] }, 'The number of primary key columns must be in range: [1, 4].'],
    [
      'five key columns',
      { primaryKey: Array.from({ length: 5 }, (_, i) => ({ name: `k${i}`, type: 2 })) },
      'The number of primary key columns must be in range: [1, 4].',
    ],
    [
      'a column twice',
      {
        primaryKey: [
          { name: 'PK0', type: 2 },
          { name: 'PK0', type: 1 },
        ],
      },
      "Duplicated primary key name: 'PK0'.",
    ],
    [
      'auto-increment first',
      { primaryKey: [{ name: 'a', type: 1, option: 1 }] },
      "First primary key can't be auto increment, table: t.",
    ],
    [
      'auto-increment text',
      {
        primaryKey: [
          { name: 'a', type: 1 },
          { name: 'b', type: 2, option: 1 },
        ],
      },
      'Auto increment pk must be integer, name: b.',
    ],
    [
      'two auto-increments',
      {
        primaryKey: [
          { name: 'a', type: 1 },
          { name: 'b', type: 1, option: 1 },
          { name: 'c', type: 1, option: 1 },
        ],
      },
      'the count of auto-incremental primary keys can not be more than 1',
    ],
    ['no TTL', { tableOptions: { maxVersions: 1 } }, 'Time-to-live is missing while creating table.'],
    ['no max versions', { tableOptions: { timeToLive: -1 } }, 'MaxVersions is missing while creating table.'],
    ['a TTL of 0', { tableOptions: { timeToLive: 0, maxVersions: 1 } }, 'TimeToLive cannot be 0 or less than -1.'],
    [
      'a TTL below a day',
      { tableOptions: { timeToLive: 86_399, maxVersions: 1 } },
      'TimeToLive must be -1 or at least 86400.',
    ],
  ])('are refused with %s', async (_, changed, message) => {
    const { emulator } = await start();
    const {
      tableName = 't',
      primaryKey = [{ name: 'a', type: 1 }],
      tableOptions = { timeToLive: -1, maxVersions: 1 },
    } = changed as {
      tableName?: string;
      primaryKey?: { name: string; type: number; option?: number }[];
      tableOptions?: { timeToLive?: number; maxVersions?: number };
    };
    const request = {
      tableMeta: { tableName, primaryKey },
      reservedThroughput: { capacityUnit: { read: 0, write: 0 } },
      tableOptions,
    };
    await expect(call(emulator, 'CreateTable', [CreateTableRequest, Empty], request)).rejects.toThrow(
      JSON.stringify({ code: 'OTSParameterInvalid', message }),
    );
  });
});

describe('secondary indexes', () => {
  const definedColumn = [
    { name: 'city', type: 4 },
    { name: 'age', type: 1 },
  ];
  const shape = {
    key: { id: 'STRING' },
    meta: { definedColumn },
    more: { indexMetas: [{ name: 'by_city', primaryKey: ['city'], definedColumn: ['age'] }] },
  } as const;
  const everything = {
    inclusiveStartPrimaryKey: [{ city: sdk.INF_MIN }, { id: sdk.INF_MIN }],
    exclusiveEndPrimaryKey: [{ city: sdk.INF_MAX }, { id: sdk.INF_MAX }],
  };

  it('follow their table row by row', async () => {
    const { client } = await start();
    await createTable(client, 't', shape);
    const write = (id: string, columns: Readonly<Record<string, unknown>>[]) =>
      client.putRow({ tableName: 't', condition: condition(), primaryKey: [{ id }], attributeColumns: columns });
    const entries = async () =>
      (await client.getRange({ tableName: 'by_city', direction: sdk.Direction.FORWARD, ...everything })).rows.map(
        keyOf,
      );
    await write('1', [{ city: 'Rome' }, { age: int(3) }]);
    await write('2', [{ city: 'Bern' }]);
    await write('3', [{ age: int(1) }]);
    expect(await entries()).toEqual([
      ['Bern', '2'],
      ['Rome', '1'],
    ]);
    await write('1', [{ city: 'Aden' }]);
    await client.deleteRow({ tableName: 't', condition: condition(), primaryKey: [{ id: '2' }] });
    expect(await entries()).toEqual([['Aden', '1']]);
    expect(
      (
        await errorOf(
          client.putRow({
            tableName: 'by_city',
            condition: condition(),
            primaryKey: [{ city: 'x' }, { id: 'y' }],
            attributeColumns: [{ age: int(1) }],
          }),
        )
      ).code,
    ).toBe('OTSObjectNotExist');
  });

  it('go with their table, and hold older rows only if asked to', async () => {
    const { client } = await start();
    await createTable(client, 't', { ...shape, more: {} });
    await client.putRow({
      tableName: 't',
      condition: condition(),
      primaryKey: [{ id: '1' }],
      attributeColumns: [{ city: 'Rome' }],
    });
    const indexMeta = { primaryKey: ['city'], definedColumn: ['age'] };
    await client.createIndex({ mainTableName: 't', indexMeta: { ...indexMeta, name: 'late' } });
    await client.createIndex({ mainTableName: 't', indexMeta: { ...indexMeta, name: 'full' }, includeBaseData: true });
    const count = async (tableName: string) =>
      (await client.getRange({ tableName, direction: sdk.Direction.FORWARD, ...everything })).rows.length;
    expect([await count('late'), await count('full')]).toEqual([0, 1]);
    await client.dropIndex({ mainTableName: 't', indexName: 'late' });
    expect((await client.describeTable({ tableName: 't' })).indexMetas.map(({ name }) => name)).toEqual(['full']);
    await client.deleteTable({ tableName: 't' });
    expect((await errorOf(count('full'))).code).toBe('OTSObjectNotExist');
  });
});
