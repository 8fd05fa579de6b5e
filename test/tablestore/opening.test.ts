import { Agent } from 'node:http';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { type TableStoreClient, tablestoreAdapter } from '../../adapters/tablestore/index.js';
import { tableName } from '../../adapters/tablestore/tables/schema.js';
import { isTimelineError, openTimelineStore } from '../../src/index.js';
import { newClient } from '../support/tablestore-store.js';
import { bodies, emulate, open } from './support.js';

const codeOf = (error: unknown) => (isTimelineError(error) ? error.code : error);
const refused = (call: Promise<unknown>) => call.then(() => 'it was not refused', codeOf);

describe('opening', () => {
  it('waits until new tables are ready, and for as many a second as the service makes', async () => {
    const emulator = await emulate({ tableReadyAfterMs: 400, tableOperationsPerSecond: 2 });
    const store = await open(emulator, { sequence: 'auto', settleMs: 5 });
    await store.timeline('t').append('m', { key: 'k' });
    expect(await bodies(store, 't')).toEqual(['m']);
  });

  it('makes one library of many openings at once', async () => {
    const emulator = await emulate();
    const stores = await Promise.all(Array.from({ length: 6 }, () => open(emulator, { sequence: 'auto' })));
    const heads = await Promise.all(stores.map((store) => store.timeline('t').head()));
    expect(new Set(heads.map(({ epoch }) => epoch)).size).toBe(1);
  });

  it('refuses other settings than the tables were made with', async () => {
    const emulator = await emulate();
    await open(emulator, { sequence: 'cas' });
    expect(await refused(open(emulator, { sequence: 'auto' }))).toBe('TIMELINE_INVALID_ARGUMENT');
    expect(await refused(open(emulator, { sequence: 'manual' }))).toBe('TIMELINE_INVALID_ARGUMENT');
    expect(await refused(open(emulator, { sequence: 'cas' }, { ttlMs: 86_400_000 }))).toBe('TIMELINE_INVALID_ARGUMENT');
    await open(emulator, { sequence: 'cas' });
  });

  it('begins a new epoch when the entries were lost, and only then', async () => {
    const emulator = await emulate();
    const first = await open(emulator);
    const { cursor } = await first.timeline('t').append('m');
    const client = newClient(emulator) as TableStoreClient & { deleteTable(parameters: object): Promise<unknown> };
    await client.deleteTable({ tableName: 'library' });
    const second = await open(emulator);
    expect(await refused(second.timeline('t').read({ after: cursor }))).toBe('TIMELINE_EPOCH_CHANGED');
    const { epoch } = await second.timeline('t').head();
    expect((await (await open(emulator)).timeline('t').head()).epoch).toBe(epoch);
  });

  it('fails soon and clearly where nothing listens', async () => {
    const emulator = await emulate();
    await emulator.close();
    expect(await refused(open(emulator, { timeoutMs: 500 }))).toBe('TIMELINE_UNAVAILABLE');
  });

  it('warns of unsafe defaults of the SDK client', async () => {
    const emulator = await emulate();
    const { Client } = createRequire(import.meta.url)('tablestore') as {
      Client: new (options: object) => TableStoreClient;
    };
    const address = { endpoint: emulator.endpoint, instancename: emulator.instanceName };
    const keys = { accessKeyId: emulator.accessKeyId, secretAccessKey: emulator.accessKeySecret };
    const careless = await open(
      emulator,
      {},
      { client: new Client({ ...address, ...keys, httpOptions: { agent: new Agent() } }) },
    );
    expect(careless.warnings.map(({ code }) => code)).toEqual(['tablestore-client']);
    expect(careless.warnings[0]?.message).toMatch(/httpOptions.timeout .*maxRetries/);
    expect((await open(emulator)).warnings).toEqual([]);
  });

  it('refuses anything but a client, and a client of another copy of the SDK', async () => {
    expect(() => tablestoreAdapter({} as TableStoreClient)).toThrow(/must be a Client/);
    const emulator = await emulate();
    const client = newClient(emulator);
    const other = Object.fromEntries(['batchWriteRow', 'getRange'].map((name) => [name, client]));
    const impostor = { ...other, batchWriteRow: () => {}, getRange: () => {} } as unknown as TableStoreClient;
    const opening = openTimelineStore({ adapter: tablestoreAdapter(impostor), name: 'library' });
    expect(await refused(opening)).toBe('TIMELINE_INVALID_ARGUMENT');
  });

  it('refuses unknown options', () => {
    const client = newClient({
      endpoint: 'http://127.0.0.1:1',
      instanceName: 'i',
      accessKeyId: 'a',
      accessKeySecret: 's',
    });
    expect(() => tablestoreAdapter(client, { sequence: 'other' as 'cas' })).toThrow(/sequence must be/);
    expect(() => tablestoreAdapter(client, { settleMs: -1 })).toThrow(/settleMs must be/);
    expect(() => tablestoreAdapter(client, { polMs: 5 } as object)).toThrow(
      /unknown option 'polMs' of tablestoreAdapter/,
    );
  });
});

describe('names of tables', () => {
  it('are those of their libraries where these are valid', () => {
    expect(['chat', 'chat_sync', 'Inbox2'].map(tableName)).toEqual(['chat', 'chat_sync', 'Inbox2']);
  });

  it('never collide, nor with the tables of another library', () => {
    const names = [
      'a',
      'a_',
      'a__',
      'a_5f',
      'a__5f',
      'a-',
      'a--',
      'a_-',
      'a-_',
      'a2d',
      'é',
      '9',
      '_9',
      'a_meta',
      'a_keys',
      'x'.repeat(255),
    ];
    names.push('-'.repeat(255), `${'-'.repeat(254)}+`, `${'x'.repeat(254)}y`);
    const tables = names.map((name) => tableName(name));
    const all = tables.flatMap((table) => [table, `${table}_meta`, `${table}_keys`]);
    expect(new Set(all).size).toBe(3 * names.length);
    for (const table of all) expect(table).toMatch(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/);
  });
});
