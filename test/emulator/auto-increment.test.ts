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
  sdk,
  start,
} from './sdk.js';

const AUTO = sdk.PK_AUTO_INCR;
const shape = { key: { gid: 'STRING', seq: 'AUTO' } } as const;

async function append(client: SdkClient, gid: string, text = 'v'): Promise<bigint> {
  const { row } = await put(client, 't', gid, AUTO, [{ c: text }], { returnContent: returnKey });
  return BigInt(String(keyOf(row)[1]));
}
const idsOf = async (client: SdkClient, gid: string) => {
  const { rows } = await client.getRange({
    tableName: 't',
    direction: sdk.Direction.FORWARD,
    inclusiveStartPrimaryKey: [{ gid }, { seq: sdk.INF_MIN }],
    exclusiveEndPrimaryKey: [{ gid }, { seq: sdk.INF_MAX }],
  });
  return rows.map((row) => BigInt(String(keyOf(row)[1])));
};
const rises = (ids: readonly bigint[]) => ids.every((id, index) => index === 0 || id > ids[index - 1]!);

describe('auto-increment ids', () => {
  it('rise in each partition and look like microseconds since 1970', async () => {
    const { client } = await start();
    await createTable(client, 't', shape);
    const before = BigInt(Date.now()) * 1000n;
    const ids: bigint[] = [];
    for (let index = 0; index < 20; index++) ids.push(await append(client, 'a'));
    expect(rises(ids)).toBe(true);
    expect(ids[0]).toBeGreaterThanOrEqual(before);
    expect(ids[0]).toBeLessThan(before + 60_000_000n);
    expect(await idsOf(client, 'a')).toEqual(ids);
  });

  it('are never given twice, even after their row was deleted, while the clock stands still or goes back', async () => {
    let now = 1_700_000_000_000;
    const { client } = await start({ now: () => now });
    await createTable(client, 't', shape);
    const ids: bigint[] = [];
    for (let index = 0; index < 10; index++) {
      const id = await append(client, 'a');
      ids.push(id);
      await client.deleteRow({ tableName: 't', condition: condition(), primaryKey: [{ gid: 'a' }, { seq: int(id) }] });
      now -= 1000;
    }
    expect(rises(ids)).toBe(true);
  });

  it('are distinct and complete for many writers at once', async () => {
    const { client } = await start();
    await createTable(client, 't', shape);
    const ids = await Promise.all(Array.from({ length: 100 }, () => append(client, 'a')));
    expect(new Set(ids).size).toBe(100);
    expect(await idsOf(client, 'a')).toEqual(ids.sort((a, b) => (a < b ? -1 : 1)));
  });

  it('may start above 2^53, with gaps of random size', async () => {
    const { client } = await start({ autoIncrement: { from: 2n ** 53n + 1n, maxGap: 50 }, seed: 7 });
    await createTable(client, 't', shape);
    const ids: bigint[] = [];
    for (let index = 0; index < 20; index++) ids.push(await append(client, 'a'));
    expect(ids[0]).toBe(2n ** 53n + 1n);
    const gaps = ids.slice(1).map((id, index) => id - ids[index]!);
    expect(gaps.every((gap) => gap >= 1n && gap <= 51n)).toBe(true);
    expect(new Set(gaps).size).toBeGreaterThan(5);
    const { row } = await client.getRow({ tableName: 't', primaryKey: [{ gid: 'a' }, { seq: int(ids[5]!) }] });
    expect(keyOf(row)).toEqual(['a', String(ids[5])]);
  });

  it('may become visible out of order, though a writer always finds its own row', async () => {
    const { client } = await start({ autoIncrement: { maxCommitDelayMs: 400 } });
    await createTable(client, 't', shape);
    const finished: bigint[] = [];
    let lateArrivals = 0;
    const seen = new Set<bigint>();
    const write = async () => {
      const id = await append(client, 'a');
      finished.push(id);
      const visible = await idsOf(client, 'a');
      expect(visible).toContain(id);
      const largest = [...seen].reduce((max, next) => (next > max ? next : max), 0n);
      lateArrivals += visible.filter((other) => !seen.has(other) && other < largest).length;
      for (const other of visible) seen.add(other);
    };
    await Promise.all(Array.from({ length: 40 }, write));
    expect(lateArrivals).toBeGreaterThan(0);
    expect(rises(finished)).toBe(false);
  });

  it('work with UpdateRow and in batches, in the order of the batch', async () => {
    const { client } = await start();
    await createTable(client, 't', shape);
    const primaryKey = [{ gid: 'a' }, { seq: AUTO }];
    const updated = await client.updateRow({
      tableName: 't',
      condition: condition(),
      primaryKey,
      updateOfAttributeColumns: [{ PUT: [{ c: 'v' }] }],
      returnContent: returnKey,
    });
    const row = {
      type: 'PUT',
      condition: condition(),
      primaryKey,
      attributeColumns: [{ c: 'v' }],
      returnContent: returnKey,
    };
    const batch = await client.batchWriteRow({
      tables: [{ tableName: 't', rows: Array.from({ length: 50 }, () => row) }],
    });
    const ids = [updated.row, ...batch.tables].map((item) => BigInt(String(keyOf(item)[1])));
    expect(rises(ids)).toBe(true);
    expect(await idsOf(client, 'a')).toEqual(ids);
  });

  it('can be updated and deleted by id, never invented', async () => {
    const { client } = await start();
    await createTable(client, 't', shape);
    const id = await append(client, 'a');
    const update = (seq: bigint, existence: 'IGNORE' | 'EXPECT_EXIST' | 'EXPECT_NOT_EXIST') =>
      client.updateRow({
        tableName: 't',
        condition: condition(existence),
        primaryKey: [{ gid: 'a' }, { seq: int(seq) }],
        updateOfAttributeColumns: [{ PUT: [{ c: existence }] }],
      });
    await update(id, 'IGNORE');
    await update(id, 'EXPECT_EXIST');
    expect(columnsOf((await get(client, 't', 'a', id)).row)).toEqual({ c: 'EXPECT_EXIST' });
    expect((await errorOf(update(id + 1n, 'IGNORE'))).code).toBe('OTSConditionCheckFail');
    expect((await errorOf(update(id, 'EXPECT_NOT_EXIST'))).text).toContain(
      'when modify a specific row for table with pk auto increment',
    );
    await client.deleteRow({
      tableName: 't',
      condition: condition(),
      primaryKey: [{ gid: 'a' }, { seq: int(id + 1n) }],
    });
    await client.deleteRow({
      tableName: 't',
      condition: condition('EXPECT_EXIST'),
      primaryKey: [{ gid: 'a' }, { seq: int(id) }],
    });
    expect(await idsOf(client, 'a')).toEqual([]);
  });

  it('have placeholders for unconditional writes only', async () => {
    const { client } = await start();
    await createTable(client, 't', shape);
    await createTable(client, 'plain');
    const text = async (call: Promise<unknown>) => (await errorOf(call)).text;
    const conditional = { condition: condition('EXPECT_NOT_EXIST') };
    const columnar = {
      condition: condition('IGNORE', new sdk.SingleColumnCondition('c', 'v', sdk.ComparatorType.EQUAL)),
    };
    const key = [{ gid: 'a' }, { seq: AUTO }];
    expect(await text(put(client, 't', 'a', AUTO, [{ c: 'v' }], conditional))).toContain(
      'Invalid expect:EXPECT_NOT_EXIST when modify row with pk auto increment',
    );
    expect(await text(put(client, 't', 'a', AUTO, [{ c: 'v' }], columnar))).toContain(
      "Can't set condition when modify row with pk auto increment",
    );
    expect(await text(client.deleteRow({ tableName: 't', condition: condition(), primaryKey: key }))).toContain(
      'Invalid row to delete which with pk auto increment',
    );
    expect(await text(client.getRow({ tableName: 't', primaryKey: key }))).toContain(
      "PKAutoIncr can't be used for read operations.",
    );
    expect(await text(put(client, 'plain', 'a', AUTO))).toContain(
      'Validate PK type fail. Input: VT_AUTO_INCREMENT, Meta: VT_INTEGER.',
    );
  });

  it('make a retried put a second row', async () => {
    const { client } = await start();
    await createTable(client, 't', shape);
    const [first, second] = [await append(client, 'a', 'same'), await append(client, 'a', 'same')];
    expect(await idsOf(client, 'a')).toEqual([first, second]);
  });
});
