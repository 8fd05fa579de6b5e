import { Buffer } from 'node:buffer';
import {
  BatchGetRow,
  BatchWriteRow,
  Client,
  ComparatorType,
  createAttribute,
  createPrimaryKey,
  DeleteRow,
  Direction,
  GetRange,
  GetRow,
  INF_MAX,
  INF_MIN,
  OperationType,
  type PlainBufferCell,
  type PlainBufferRow,
  PutRow,
  ReturnType,
  RowExistenceExpectation,
  singleColumnCondition,
  UpdateRow,
  VariantType,
} from 'alicloud-tablestore';
import { describe, expect, it } from 'vitest';
import { columnsOf, createTable, get, int, keyOf, put, start } from './sdk.js';

// This client takes the whole ArrayBuffer under a Buffer, which is right only for Buffers outside the pool.
Buffer.poolSize = 0;

const key = (gid: string, seq: bigint) => [createPrimaryKey('gid', gid), createPrimaryKey('seq', seq)];
const NEXT_ID = createPrimaryKey('seq', undefined, VariantType.AUTO_INCREMENT);
const values = (cells: readonly PlainBufferCell[] | undefined) =>
  Object.fromEntries((cells ?? []).map(({ name, value }) => [name, value]));
const only = (rows: readonly PlainBufferRow[] | null) => rows?.[0];

async function both(shape = {}) {
  const { client: sdkClient, emulator } = await start();
  await createTable(sdkClient, 't', shape);
  const other = new Client({
    endpoint: new URL(emulator.endpoint).host,
    accessKeyID: emulator.accessKeyId,
    accessKeySecret: emulator.accessKeySecret,
    instanceName: emulator.instanceName,
  });
  return { sdkClient, other };
}

describe('a client of another make', () => {
  it('reads what the SDK wrote, and the SDK what it wrote, with values of every type', async () => {
    const { sdkClient, other } = await both();
    await put(sdkClient, 't', 'a', 1, [
      { s: 'ä中' },
      { n: int(2n ** 60n) },
      { d: 0.5 },
      { b: true },
      { x: Buffer.from([0, 255]) },
    ]);
    const read = GetRow.response(
      await new GetRow(other).do({ tableName: 't', primaryKey: key('a', 1n), maxVersions: 1 }),
    );
    const row = only(read.row);
    expect(values(row?.primaryKey)).toEqual({ gid: 'a', seq: 1n });
    const { x, ...rest } = values(row?.attributes);
    expect([rest, Buffer.from(x as Uint8Array).toString('hex')]).toEqual([
      { s: 'ä中', n: 2n ** 60n, d: 0.5, b: true },
      '00ff',
    ]);

    const attributes = [createAttribute('s', 'é'), createAttribute('n', -5n), createAttribute('x', Uint8Array.of(7))];
    await new PutRow(other).do({ tableName: 't', primaryKey: key('a', 2n), attributes });
    expect(columnsOf((await get(sdkClient, 't', 'a', 2)).row)).toEqual({ s: 'é', n: '-5', x: '07' });
  });

  it('writes a column called timestamp, which the SDK can only read', async () => {
    const { sdkClient, other } = await both();
    await new PutRow(other).do({
      tableName: 't',
      primaryKey: key('a', 1n),
      attributes: [createAttribute('timestamp', 1_700_000_000_000n)],
    });
    expect(columnsOf((await get(sdkClient, 't', 'a', 1)).row)).toEqual({ timestamp: '1700000000000' });
  });

  it('gets ids of an auto-increment column and reads them back in order', async () => {
    const { other } = await both({ key: { gid: 'STRING', seq: 'AUTO' } });
    const ids = [];
    for (let index = 0; index < 5; index++) {
      const answer = await new PutRow(other).do({
        tableName: 't',
        primaryKey: [createPrimaryKey('gid', 'a'), NEXT_ID],
        attributes: [createAttribute('c', 'v')],
        returnContent: { returnType: ReturnType.RT_PK, returnColumnNames: [] },
      });
      ids.push(values(only(PutRow.response(answer).row)?.primaryKey).seq);
    }
    const range = async (direction: (typeof Direction)[keyof typeof Direction], from: object, to: object) => {
      const bound = (seq: object) => [createPrimaryKey('gid', 'a'), createPrimaryKey('seq', seq)];
      const answer = await new GetRange(other).do({
        tableName: 't',
        direction,
        inclusiveStartPrimaryKey: bound(from),
        exclusiveEndPrimaryKey: bound(to),
      });
      return GetRange.response(answer).rows?.map(({ primaryKey }) => values(primaryKey).seq);
    };
    expect(await range(Direction.FORWARD, INF_MIN, INF_MAX)).toEqual(ids);
    expect(await range(Direction.BACKWARD, INF_MAX, INF_MIN)).toEqual([...ids].reverse());
  });

  it('updates and deletes under conditions', async () => {
    const { sdkClient, other } = await both();
    await put(sdkClient, 't', 'a', 1, [{ n: int(1) }, { gone: 'x' }]);
    const update = (wanted: bigint) =>
      new UpdateRow(other).do({
        tableName: 't',
        primaryKey: key('a', 1n),
        columnToUpdate: {
          put: [createAttribute('s', 'new')],
          delete: [{ name: 'gone' }],
          increment: [createAttribute('n', 41n)],
        },
        condition: {
          rowExistence: RowExistenceExpectation.EXPECT_EXIST,
          columnCondition: singleColumnCondition('n', wanted, ComparatorType.CT_EQUAL),
        },
      });
    await expect(update(2n)).rejects.toThrow(/403/);
    await update(1n);
    expect(columnsOf((await get(sdkClient, 't', 'a', 1)).row)).toEqual({ s: 'new', n: '42' });
    await new DeleteRow(other).do({
      tableName: 't',
      primaryKey: key('a', 1n),
      condition: { rowExistence: RowExistenceExpectation.EXPECT_EXIST },
    });
    expect((await get(sdkClient, 't', 'a', 1)).row).toEqual({});
  });

  it('reads and writes batches', async () => {
    const { sdkClient, other } = await both();
    const rows = [1n, 2n].map((seq) => ({
      type: OperationType.PUT,
      primaryKey: key('a', seq),
      attributes: [createAttribute('c', `v${seq}`)],
    }));
    const written = BatchWriteRow.response(await new BatchWriteRow(other).do({ tables: [{ tableName: 't', rows }] }));
    expect(written.tables[0]?.rows.map(({ isOK }) => isOK)).toEqual([true, true]);
    expect(keyOf((await get(sdkClient, 't', 'a', 2)).row)).toEqual(['a', '2']);
    const tables = [{ tableName: 't', primaryKeys: [key('a', 2n), key('a', 9n), key('a', 1n)], maxVersions: 1 }];
    const read = BatchGetRow.response(await new BatchGetRow(other).do({ tables }));
    expect(read.tables[0]?.rows.map(({ row }) => values(only(row ?? null)?.attributes).c)).toEqual([
      'v2',
      undefined,
      'v1',
    ]);
  });
});
