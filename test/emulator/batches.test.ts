import { describe, expect, it } from 'vitest';
import { BatchResponse, BatchWriteRowRequest } from '../../emulator/wire/messages-row.js';
import { encodeRow } from '../../emulator/wire/plain-buffer-writer.js';
import { call } from './raw-client.js';
import {
  columnsOf,
  condition,
  createTable,
  errorOf,
  get,
  int,
  type Key,
  keyOf,
  put,
  type SdkClient,
  start,
} from './sdk.js';

const write = (client: SdkClient, ...tables: { tableName: string; rows: unknown[] }[]) =>
  client.batchWriteRow({ tables });
const row = (gid: string, seq: number, more: Readonly<Record<string, unknown>> = {}) => ({
  type: 'PUT',
  condition: condition(),
  primaryKey: [{ gid }, { seq: int(seq) }],
  attributeColumns: [{ c: `${gid}${seq}` }] as Key,
  ...more,
});

describe('BatchWriteRow', () => {
  it('puts, updates and deletes in several tables, and answers in the order of the request', async () => {
    const { client } = await start();
    for (const tableName of ['t', 'u']) {
      await createTable(client, tableName);
      for (const seq of [1, 2]) await put(client, tableName, 'a', seq, [{ old: 'x' }]);
    }
    const rows = [
      row('a', 1),
      row('a', 2, { type: 'UPDATE', attributeColumns: [{ PUT: [{ c: 'new' }] }, { DELETE_ALL: ['old'] }] }),
      row('a', 3, { type: 'DELETE' }),
    ];
    const { tables } = await write(
      client,
      { tableName: 'u', rows },
      { tableName: 't', rows: [row('a', 2, { type: 'DELETE' })] },
    );
    expect(tables.map(({ tableName, isOk }) => [tableName, isOk])).toEqual([
      ['u', true],
      ['u', true],
      ['u', true],
      ['t', true],
    ]);
    expect(columnsOf((await get(client, 'u', 'a', 1)).row)).toEqual({ c: 'a1' });
    expect(columnsOf((await get(client, 'u', 'a', 2)).row)).toEqual({ c: 'new' });
    expect((await get(client, 't', 'a', 2)).row).toEqual({});
    expect(columnsOf((await get(client, 't', 'a', 1)).row)).toEqual({ old: 'x' });
  });

  it('is not atomic: rows fail one by one within a 200', async () => {
    const { client } = await start();
    await createTable(client, 't');
    const { tables } = await write(
      client,
      {
        tableName: 't',
        rows: [
          row('a', 1),
          row('a', 2, { condition: condition('EXPECT_EXIST') }),
          row('a', 3, { primaryKey: [{ gid: 'a' }] }),
          row('a', 4),
        ],
      },
      { tableName: 'missing', rows: [row('a', 1)] },
    );
    expect(tables.map(({ isOk, errorCode, errorMessage }) => (isOk ? 'ok' : `${errorCode} ${errorMessage}`))).toEqual([
      'ok',
      'OTSConditionCheckFail Condition check failed.',
      'OTSInvalidPK Validate PK size fail. Input: 1, Meta: 2.',
      'ok',
      'OTSObjectNotExist Requested table does not exist.',
    ]);
    expect(keyOf((await get(client, 't', 'a', 4)).row)).toEqual(['a', '4']);
  });

  it('fails as a whole for what is wrong with the request, and writes nothing', async () => {
    const { client } = await start();
    await createTable(client, 't');
    const text = async (...tables: Parameters<typeof write>[1][]) => (await errorOf(write(client, ...tables))).text;
    const many = Array.from({ length: 201 }, (_, seq) => row('a', seq));
    expect(await text({ tableName: 't', rows: many })).toContain('Rows count exceeds the upper limit: 200.');
    expect(
      await text({ tableName: 't', rows: [row('a', 1), row('a', 2, { attributeColumns: [{ '#x': 'v' }] })] }),
    ).toContain("Invalid column name: '#x'.");
    expect(await text({ tableName: 't', rows: [] })).toContain("No operation is specified for table: 't'.");
    const half = 'x'.repeat(2 * 1024 * 1024);
    const size = (2 * ('gid'.length + 1 + 'seq'.length + 8) + 2 * 1 + 2 * half.length).toString();
    const large = [row('a', 1, { attributeColumns: [{ c: half }] }), row('a', 2, { attributeColumns: [{ c: half }] })];
    expect(await text({ tableName: 't', rows: large })).toContain(
      `The total data size of BatchWriteRow request exceeds the limit, limit size: 4194304, data size: ${size}.`,
    );
    expect((await get(client, 't', 'a', 1)).row).toEqual({});
  });

  it('takes 200 rows', async () => {
    const { client } = await start();
    await createTable(client, 't');
    const { tables } = await write(client, {
      tableName: 't',
      rows: Array.from({ length: 200 }, (_, seq) => row('a', seq)),
    });
    expect(tables.filter(({ isOk }) => isOk)).toHaveLength(200);
  });

  it('takes a row twice if nothing is expected of it, and the last write stays', async () => {
    const { client } = await start();
    await createTable(client, 't');
    await write(client, { tableName: 't', rows: [row('a', 1, { attributeColumns: [{ c: 'first' }] }), row('a', 1)] });
    expect(columnsOf((await get(client, 't', 'a', 1)).row)).toEqual({ c: 'a1' });
    const twice = write(client, {
      tableName: 't',
      rows: [row('a', 1), row('a', 1, { condition: condition('EXPECT_EXIST') })],
    });
    expect((await errorOf(twice)).text).toContain(
      'Repeated rows do not support row exist expectation check in BatchModify.',
    );
  });
});

describe('BatchWriteRow with is_atomic', () => {
  const put1 = (gid: string, seq: bigint, rowExistence = 0) => ({
    type: 1,
    condition: { rowExistence },
    rowChange: encodeRow({
      primaryKey: [
        { name: 'gid', value: { type: 'STRING', value: gid } },
        { name: 'seq', value: { type: 'INTEGER', value: seq } },
      ],
      cells: [{ name: 'c', value: { type: 'STRING', value: 'v' } }],
    }),
  });

  it('writes all rows of one partition key, or none', async () => {
    const { client, emulator } = await start();
    await createTable(client, 't');
    const atomic = async (...rows: ReturnType<typeof put1>[]) => {
      const { tables } = await call(emulator, 'BatchWriteRow', [BatchWriteRowRequest, BatchResponse], {
        tables: [{ tableName: 't', rows }],
        isAtomic: true,
      });
      return tables[0]!.rows.map(({ isOk, error }) => (isOk ? 'ok' : error?.code));
    };
    expect(await atomic(put1('a', 1n), put1('a', 2n))).toEqual(['ok', 'ok']);
    expect(await atomic(put1('a', 3n), put1('a', 1n, 2))).toEqual(['OTSConditionCheckFail', 'OTSConditionCheckFail']);
    expect(await atomic(put1('a', 3n), put1('b', 3n))).toEqual(['OTSDataOutOfRange', 'OTSDataOutOfRange']);
    expect((await get(client, 't', 'a', 3)).row).toEqual({});
    expect(keyOf((await get(client, 't', 'a', 2)).row)).toEqual(['a', '2']);
  });
});

describe('BatchGetRow', () => {
  const tableOf = (tableName: string, ...seqs: number[]) => ({
    tableName,
    primaryKey: seqs.map((seq) => [{ gid: 'a' }, { seq: int(seq) }]),
    maxVersions: 1,
  });

  it('answers in the order of the request, missing rows and repeated ones included', async () => {
    const { client } = await start();
    await createTable(client, 't');
    for (const seq of [1, 2]) await put(client, 't', 'a', seq);
    const { tables } = await client.batchGetRow({ tables: [tableOf('t', 2, 9, 1, 2), tableOf('missing', 1)] });
    expect(tables.map((rows) => rows.map((item) => (item.isOk ? keyOf(item).join('') : item.errorCode)))).toEqual([
      ['a2', '', 'a1', 'a2'],
      ['OTSObjectNotExist'],
    ]);
  });

  it('takes 100 rows at most, and at least one table', async () => {
    const { client } = await start();
    await createTable(client, 't');
    const many = (count: number) =>
      client.batchGetRow({ tables: [tableOf('t', ...Array.from({ length: count }, (_, seq) => seq))] });
    expect((await many(100)).tables[0]).toHaveLength(100);
    expect((await errorOf(many(101))).text).toContain('Rows count exceeds the upper limit: 100.');
  });
});
