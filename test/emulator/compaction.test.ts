import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startTablestoreEmulator } from '../../emulator/index.js';
import { nightly } from '../support/nightly.js';
import { scratchFile, session, startCommand } from './files.js';
import {
  allRows,
  clientOf,
  columnsOf,
  condition,
  createTable,
  errorOf,
  int,
  keyOf,
  put,
  putMany,
  returnKey,
  type SdkClient,
  sdk,
} from './sdk.js';

const MEBIBYTE = 1024 * 1024;
const ROUNDS = nightly ? 60 : 40;
const valuesOf = async (client: SdkClient) =>
  new Map((await allRows(client)).map((row) => [keyOf(row).join('/'), String(columnsOf(row).c)]));
const keys = (count: number, gid = 'a') => Array.from({ length: count }, (_, seq) => [gid, seq] as const);

describe('a file while its emulator runs', () => {
  it('loses what is outdated, again and again, and nothing else', async () => {
    const file = scratchFile();
    await session(file, async (client) => {
      await createTable(client, 't');
      await createTable(client, 'ids', { key: { gid: 'STRING', seq: 'AUTO' } });
      const { row } = await put(client, 'ids', 'a', sdk.PK_AUTO_INCR, [], { returnContent: returnKey });
      await client.deleteRow({
        tableName: 'ids',
        condition: condition(),
        primaryKey: [{ gid: 'a' }, { seq: int(String(keyOf(row)[1])) }],
      });
      await putMany(client, keys(300, 'kept'), 'kept');
      let [largest, shrunk, size] = [0, 0, 0];
      for (let round = 0; round < ROUNDS; round++) {
        await putMany(client, keys(200), `${round} ${'x'.repeat(500)}`);
        const now = statSync(file).size;
        if (now < size) shrunk++;
        size = now;
        largest = Math.max(largest, size);
      }
      expect(shrunk).toBeGreaterThan(2);
      expect(largest).toBeLessThan(4 * MEBIBYTE);
      const { row: next } = await put(client, 'ids', 'a', sdk.PK_AUTO_INCR, [], { returnContent: returnKey });
      expect(BigInt(String(keyOf(next)[1]))).toBeGreaterThan(BigInt(String(keyOf(row)[1])));
    });
    await session(file, async (client) => {
      const rows = await allRows(client);
      expect(rows).toHaveLength(500);
      const { row } = await client.getRow({ tableName: 't', primaryKey: [{ gid: 'a' }, { seq: int(7) }] });
      expect(row.attributes?.map(({ columnValue }) => String(columnValue).split(' ')[0])).toEqual([String(ROUNDS - 1)]);
    });
    expect(readdirSync(dirname(file))).toEqual(['tables']);
  });

  it('keeps what changes while it is rewritten: rows, tables and indexes made, changed and dropped', async () => {
    const file = scratchFile();
    const emulator = await startTablestoreEmulator({ file, searchLagMs: 0 });
    const client = clientOf(emulator);
    const more = { more: { indexMetas: [{ name: 'by_c', primaryKey: ['c'], definedColumn: [] }] } };
    await createTable(client, 't', { meta: { definedColumn: [{ name: 'c', type: 4 }] }, ...more });
    await createTable(client, 'dropped');
    await createTable(client, 'again');
    const live = keys(6000, 'live');
    await putMany(client, live, 'y'.repeat(100));
    for (const table of ['dropped', 'again']) await put(client, table, 'a', 1);
    const expected = new Map(live.map(([gid, seq]) => [`${gid}/${seq}`, 'y'.repeat(100)]));
    const isUnderWay = () => existsSync(`${file}.compacting`);
    for (let round = 0; !isUnderWay(); round++) {
      expect(round, 'the rewrite never began').toBeLessThan(100);
      await putMany(client, keys(200), `${round} ${'x'.repeat(300)}`);
      for (const [gid, seq] of keys(200)) expected.set(`${gid}/${seq}`, `${round} ${'x'.repeat(300)}`);
    }
    const schema = { fieldSchemas: [{ fieldName: 'c', fieldType: sdk.FieldType.KEYWORD, index: true }] };
    let changes = 0;
    const change = async (work: Promise<unknown>) => {
      await work;
      if (isUnderWay()) changes++;
    };
    await Promise.all([
      change(client.deleteTable({ tableName: 'dropped' })),
      change(client.deleteTable({ tableName: 'again' }).then(() => createTable(client, 'again'))),
      change(createTable(client, 'made')),
      change(client.createSearchIndex({ tableName: 't', indexName: 'i', schema })),
      change(put(client, 't', 'live', 0, [{ c: 'first' }])),
      change(put(client, 't', 'live', 5999, [{ c: 'last' }])),
      change(put(client, 't', 'new', 1, [{ c: 'new' }])),
      change(
        client.deleteRow({ tableName: 't', condition: condition(), primaryKey: [{ gid: 'live' }, { seq: int(1) }] }),
      ),
      change(
        client.deleteRow({ tableName: 't', condition: condition(), primaryKey: [{ gid: 'live' }, { seq: int(5998) }] }),
      ),
    ]);
    expect(changes).toBeGreaterThan(4);
    for (const [key, value] of [
      ['live/0', 'first'],
      ['live/5999', 'last'],
      ['new/1', 'new'],
    ] as const)
      expected.set(key, value);
    for (const key of ['live/1', 'live/5998']) expected.delete(key);
    await emulator.close();
    await session(file, async (reader) => {
      expect((await reader.listTable({})).tableNames).toEqual(['again', 'made', 't']);
      expect(await allRows(reader, 'again')).toEqual([]);
      expect((await reader.listSearchIndex({ tableName: 't' })).indices.map(({ indexName }) => indexName)).toEqual([
        'i',
      ]);
      expect(await valuesOf(reader)).toEqual(expected);
      const { row } = await reader.getRow({
        tableName: 'by_c',
        primaryKey: [{ c: 'last' }, { gid: 'live' }, { seq: int(5999) }],
      });
      expect(keyOf(row)).toEqual(['last', 'live', '5999']);
    });
  });

  const rounds = nightly ? 20 : 2;
  const timeout = rounds * 20_000;
  it('loses nothing that was answered when its process is killed while it is rewritten', { timeout }, async () => {
    const file = scratchFile();
    const answered = new Map<string, string>();
    let cut = 0;
    for (let round = 0; round < rounds; round++) {
      const { client, kill } = await startCommand(file);
      if (round === 0) {
        await createTable(client, 't');
        await putMany(client, keys(4000, 'live'), 'y'.repeat(200));
        for (const [gid, seq] of keys(4000, 'live')) answered.set(`${gid}/${seq}`, 'y'.repeat(200));
      }
      const attempted = new Map<string, string>();
      const writer = async (gid: string) => {
        for (let write = 0; ; write++) {
          const [key, value] = [`${gid}/${write % 20}`, `${round}.${write} ${'x'.repeat(20_000)}`];
          attempted.set(key, value);
          await put(client, 't', gid, write % 20, [{ c: value }]);
          answered.set(key, value);
        }
      };
      const writers = ['a', 'b', 'c', 'd'].map((gid) => writer(gid).catch(() => {}));
      while (!existsSync(`${file}.compacting`)) await turn();
      for (let wait = 0; wait < round * 20; wait++) await turn();
      if (existsSync(`${file}.compacting`)) cut++;
      await kill();
      await Promise.all(writers);
      const kept = await session(file, valuesOf);
      const lost = [...answered].filter(
        ([key, value]) => kept.get(key) !== value && kept.get(key) !== attempted.get(key),
      );
      expect(lost).toEqual([]);
      for (const [key, value] of kept) answered.set(key, value);
      expect(readdirSync(dirname(file))).toEqual(['tables']);
    }
    expect(cut).toBeGreaterThan(0);
  });

  it('says so when it can grow no more, and starts with every row that was answered', async () => {
    const file = scratchFile();
    const limited = ['bash', '-c', 'ulimit -f 200; exec "$@"', 'bash', process.execPath];
    const { client, kill } = await startCommand(file, limited);
    await createTable(client, 't');
    const answered: number[] = [];
    let failures = 0;
    for (let seq = 0; failures < 20; seq++) {
      // Rows of many sizes: the limit cuts some of them in the middle, and smaller ones still fit after that.
      await put(client, 't', 'a', seq, [{ c: 'x'.repeat(failures > 0 ? 3000 - seq : 3000) }]).then(
        () => answered.push(seq),
        () => failures++,
      );
    }
    expect(await errorOf(put(client, 't', 'b', 1, [{ c: 'x'.repeat(3000) }]))).toMatchObject({
      code: 'OTSInternalServerError',
      status: 500,
    });
    await kill();
    const kept = new Set((await session(file, allRows)).map((row) => Number(keyOf(row)[1])));
    expect(answered.length).toBeGreaterThan(20);
    expect(answered.filter((seq) => !kept.has(seq))).toEqual([]);
  });
});
