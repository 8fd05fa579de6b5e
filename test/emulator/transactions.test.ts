import { describe, expect, it } from 'vitest';
import { CreateTableRequest, Empty } from '../../emulator/wire/messages-table.js';
import { call } from './raw-client.js';
import { columnsOf, condition, createTable, errorOf, get, int, keyOf, put, type SdkClient, sdk, start } from './sdk.js';

async function begin(client: SdkClient, gid = 'a') {
  const { transactionId } = await client.startLocalTransaction({ tableName: 't', primaryKey: [{ gid }] });
  return { transactionId };
}
const columnOf = async (client: SdkClient, seq: number, more = {}) =>
  columnsOf((await get(client, 't', 'a', seq, more)).row).c;

async function prepared(options = {}) {
  const started = await start(options);
  await createTable(started.client, 't');
  await put(started.client, 't', 'a', 1, [{ c: 'old' }]);
  return started;
}

describe('local transactions', () => {
  it('see their own writes, are unseen by others, and appear as one on commit', async () => {
    const { client } = await prepared();
    const transaction = await begin(client);
    await put(client, 't', 'a', 1, [{ c: 'new' }], transaction);
    await put(client, 't', 'a', 2, [{ c: 'more' }], transaction);
    expect([await columnOf(client, 1, transaction), await columnOf(client, 1)]).toEqual(['new', 'old']);
    expect((await get(client, 't', 'a', 2)).row).toEqual({});
    await client.commitTransaction(transaction);
    expect([await columnOf(client, 1), await columnOf(client, 2)]).toEqual(['new', 'more']);
  });

  it('leave nothing behind when aborted', async () => {
    const { client } = await prepared();
    const transaction = await begin(client);
    await client.deleteRow({
      tableName: 't',
      condition: condition(),
      primaryKey: [{ gid: 'a' }, { seq: int(1) }],
      ...transaction,
    });
    expect((await get(client, 't', 'a', 1, transaction)).row).toEqual({});
    await client.abortTransaction(transaction);
    expect(await columnOf(client, 1)).toBe('old');
    await put(client, 't', 'a', 1, [{ c: 'free' }]);
  });

  it('read ranges with their writes merged in, in both directions', async () => {
    const { client } = await prepared();
    for (const seq of [3, 5]) await put(client, 't', 'a', seq);
    const transaction = await begin(client);
    for (const seq of [2, 4, 9]) await put(client, 't', 'a', seq, [{ c: 'v' }], transaction);
    await client.deleteRow({
      tableName: 't',
      condition: condition(),
      primaryKey: [{ gid: 'a' }, { seq: int(3) }],
      ...transaction,
    });
    const read = async (direction: unknown, from: number, to: number, more: object) => {
      const bounds = {
        inclusiveStartPrimaryKey: [{ gid: 'a' }, { seq: int(from) }],
        exclusiveEndPrimaryKey: [{ gid: 'a' }, { seq: int(to) }],
      };
      return (await client.getRange({ tableName: 't', direction, ...bounds, ...more })).rows.map((row) =>
        Number(keyOf(row)[1]),
      );
    };
    expect(await read(sdk.Direction.FORWARD, 2, 9, transaction)).toEqual([2, 4, 5]);
    expect(await read(sdk.Direction.BACKWARD, 9, 2, transaction)).toEqual([9, 5, 4]);
    expect(await read(sdk.Direction.FORWARD, 1, 10, {})).toEqual([1, 3, 5]);
  });

  it('lock their partition key against other writers, and no other key', async () => {
    const { client } = await prepared();
    const transaction = await begin(client);
    expect(await errorOf(put(client, 't', 'a', 7))).toMatchObject({
      code: 'OTSRowOperationConflict',
      status: 409,
      text: expect.stringContaining('Data is being modified by the other request.'),
    });
    expect(await errorOf(begin(client))).toMatchObject({
      code: 'OTSRowOperationConflict',
      text: expect.stringContaining('Failed to lock txn key: a'),
    });
    await put(client, 't', 'b', 7);
    await client.commitTransaction(transaction);
    await put(client, 't', 'a', 7);
  });

  it('cover one partition key, batches included', async () => {
    const { client } = await prepared();
    const transaction = await begin(client);
    expect((await errorOf(put(client, 't', 'b', 1, [{ c: 'v' }], transaction))).code).toBe('OTSDataOutOfRange');
    const row = {
      type: 'PUT',
      condition: condition(),
      primaryKey: [{ gid: 'a' }, { seq: int(1) }],
      attributeColumns: [{ c: 'batch' }],
    };
    await client.batchWriteRow({ tables: [{ tableName: 't', rows: [row] }], ...transaction });
    expect([await columnOf(client, 1, transaction), await columnOf(client, 1)]).toEqual(['batch', 'old']);
  });

  it('end once, and by themselves after a minute', async () => {
    let now = 1_700_000_000_000;
    const { client } = await prepared({ now: () => now });
    const first = await begin(client);
    await client.commitTransaction(first);
    expect(await errorOf(client.commitTransaction(first))).toMatchObject({ code: 'OTSSessionNotExist' });
    const second = await begin(client);
    now += 60_000;
    expect((await errorOf(put(client, 't', 'a', 1, [{ c: 'v' }], second))).text).toContain(
      'Session not exist or may be timeout.',
    );
    await put(client, 't', 'a', 1, [{ c: 'free' }]);
    expect((await errorOf(client.commitTransaction({ transactionId: 'garbage' }))).text).toContain(
      'TransactionID is invalid.',
    );
  });

  it('hold 4 MB at most', async () => {
    const { client } = await prepared();
    const transaction = await begin(client);
    const large = [{ c: 'x'.repeat(2_000_000) }];
    for (const seq of [1, 2]) await put(client, 't', 'a', seq, large, transaction);
    expect((await errorOf(put(client, 't', 'a', 3, large, transaction))).code).toBe('OTSOutOfTransactionDataSizeLimit');
  });

  it('are for tables that were created for them, and by option for those whose creation does not say', async () => {
    const outcome = async (localTransactions: boolean, enableLocalTransactions: boolean | undefined) => {
      const { client, emulator } = await start({ localTransactions });
      await call(emulator, 'CreateTable', [CreateTableRequest, Empty], {
        tableMeta: { tableName: 't', primaryKey: [{ name: 'gid', type: 2 }] },
        reservedThroughput: { capacityUnit: {} },
        tableOptions: { timeToLive: -1, maxVersions: 1 },
        enableLocalTransactions,
      });
      return begin(client).then(
        () => 'begun',
        async (error: unknown) => (await errorOf(Promise.reject(error))).text,
      );
    };
    const refusal = expect.stringContaining(
      'Try to call method using explicit transaction on explicit-transaction-disabled table.',
    );
    expect(
      await Promise.all([
        outcome(true, undefined),
        outcome(true, false),
        outcome(false, undefined),
        outcome(false, true),
      ]),
    ).toEqual(['begun', refusal, refusal, 'begun']);
  });
});
