import { appendFileSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { scratchFile, session, startCommand } from './files.js';
import {
  allRows,
  columnsOf,
  condition,
  createTable,
  get,
  int,
  keyOf,
  put,
  returnKey,
  type SdkClient,
  sdk,
} from './sdk.js';

const append = async (client: SdkClient, gid: string) => {
  const { row } = await put(client, 'log', gid, sdk.PK_AUTO_INCR, [{ c: 'v' }], { returnContent: returnKey });
  return BigInt(String(keyOf(row)[1]));
};

describe('a file', () => {
  it('keeps tables, options, rows of every type with their versions, and deletions over a restart', async () => {
    const file = scratchFile();
    const before = await session(file, async (client) => {
      await createTable(client, 't', { options: { maxVersions: 2 } });
      await createTable(client, 'gone');
      await client.deleteTable({ tableName: 'gone' });
      await client.updateTable({ tableName: 't', tableOptions: { timeToLive: 90_000 } });
      await put(client, 't', 'ä', 1, [
        { s: '中' },
        { n: int(2n ** 60n) },
        { d: 0.1 },
        { b: false },
        { x: Buffer.from([0]) },
      ]);
      await put(client, 't', 'ä', 2);
      await client.deleteRow({ tableName: 't', condition: condition(), primaryKey: [{ gid: 'ä' }, { seq: int(2) }] });
      return (await get(client, 't', 'ä', 1)).row;
    });
    await session(file, async (client) => {
      expect((await client.listTable({})).tableNames).toEqual(['t']);
      expect((await client.describeTable({ tableName: 't' })).tableOptions).toMatchObject({
        timeToLive: 90_000,
        maxVersions: 2,
      });
      const { row } = await get(client, 't', 'ä', 1);
      expect([columnsOf(row), row.attributes?.map(({ timestamp }) => String(timestamp))]).toEqual([
        columnsOf(before),
        before.attributes?.map(({ timestamp }) => String(timestamp)),
      ]);
      expect((await get(client, 't', 'ä', 2)).row).toEqual({});
    });
  });

  it('never gives an id again, not even that of a deleted row after two restarts', async () => {
    const file = scratchFile();
    const frozen = { now: () => 1_700_000_000_000 };
    const id = await session(
      file,
      async (client) => {
        await createTable(client, 'log', { key: { gid: 'STRING', seq: 'AUTO' } });
        for (let index = 0; index < 50; index++) await append(client, 'a');
        const last = await append(client, 'a');
        await client.deleteRow({
          tableName: 'log',
          condition: condition(),
          primaryKey: [{ gid: 'a' }, { seq: int(last) }],
        });
        return last;
      },
      frozen,
    );
    await session(file, async () => {}, frozen);
    expect(await session(file, (client) => append(client, 'a'), frozen)).toBeGreaterThan(id);
  });

  it('keeps search and secondary indexes', async () => {
    const file = scratchFile();
    await session(file, async (client) => {
      const indexMetas = [{ name: 'by_c', primaryKey: ['c'], definedColumn: [] }];
      await createTable(client, 't', { meta: { definedColumn: [{ name: 'c', type: 4 }] }, more: { indexMetas } });
      const schema = { fieldSchemas: [{ fieldName: 'c', fieldType: sdk.FieldType.KEYWORD, index: true }] };
      await client.createSearchIndex({ tableName: 't', indexName: 'i', schema });
      await put(client, 't', 'a', 1);
    });
    await session(
      file,
      async (client) => {
        expect((await client.listSearchIndex({ tableName: 't' })).indices.map(({ indexName }) => indexName)).toEqual([
          'i',
        ]);
        const { row } = await client.getRow({
          tableName: 'by_c',
          primaryKey: [{ c: 'v' }, { gid: 'a' }, { seq: int(1) }],
        });
        expect(keyOf(row)).toEqual(['v', 'a', '1']);
      },
      { searchLagMs: 0 },
    );
  });

  it('drops a line that was cut short, and nothing before it', async () => {
    const file = scratchFile();
    await session(file, async (client) => {
      await createTable(client, 't');
      await put(client, 't', 'a', 1);
    });
    appendFileSync(file, '[["row","t","dQAAAAED');
    await session(file, async (client) => {
      expect(keyOf((await get(client, 't', 'a', 1)).row)).toEqual(['a', '1']);
      await put(client, 't', 'a', 2);
    });
    await session(file, async (client) => expect(keyOf((await get(client, 't', 'a', 2)).row)).toEqual(['a', '2']));
  });

  it('forgets expired rows on opening', async () => {
    const file = scratchFile();
    let now = 1_700_000_000_000;
    await session(
      file,
      async (client) => {
        await createTable(client, 't', { options: { timeToLive: 86_400 } });
        for (const seq of [1, 2, 3]) await put(client, 't', 'a', seq);
      },
      { now: () => now },
    );
    now += 86_400_001;
    await session(file, async () => {}, { now: () => now });
    expect(readFileSync(file, 'utf8').match(/\["row"/g)).toBeNull();
  });

  it('is rewritten without its history on opening', async () => {
    const file = scratchFile();
    await session(file, async (client) => {
      await createTable(client, 't');
      for (let round = 0; round < 50; round++) await put(client, 't', 'a', 1);
    });
    const lines = () => readFileSync(file, 'utf8').trim().split('\n').length;
    expect(lines()).toBe(52);
    await session(file, async () => {});
    expect(lines()).toBe(3);
  });

  it('loses nothing that was answered when the process is killed', async () => {
    const file = scratchFile();
    const { client, kill } = await startCommand(file);
    await createTable(client, 't');
    const answered: number[] = [];
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let seq = writer; ; seq += 4) {
        await put(client, 't', 'a', seq);
        if (answered.push(seq) === 200) await kill();
      }
    });
    await Promise.allSettled(writers);
    await session(file, async (survivor) => {
      const kept = new Set((await allRows(survivor)).map((row) => Number(keyOf(row)[1])));
      expect(answered.length).toBeGreaterThanOrEqual(200);
      expect(answered.filter((seq) => !kept.has(seq))).toEqual([]);
    });
  });
});
