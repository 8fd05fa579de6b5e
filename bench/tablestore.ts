/**
 * The TableStore adapter against the emulator in another process: requests of each operation beside the minimum that
 * the service allows, and processor time per row beside the bare SDK. The rates say nothing about the service. `npm run
 * build && npx tsx bench/tablestore.ts`.
 */
import { spawn } from 'node:child_process';
import { Agent } from 'node:http';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { TableStoreClient } from '../adapters/tablestore/index.js';
import type { TimelineStore } from '../src/index.js';
import { openTimelineStore, tablestoreAdapter } from './built.js';
import { compare, printMachine } from './harness.js';

interface Sdk {
  readonly Client: new (options: object) => TableStoreClient;
  readonly Condition: new (existence: number, column: unknown) => unknown;
  readonly INF_MIN: unknown;
  readonly INF_MAX: unknown;
  readonly PK_AUTO_INCR: unknown;
}

const sdk = createRequire(import.meta.url)('tablestore') as Sdk;
const TIMELINES = Array.from({ length: 1000 }, (_, i) => `inbox:${i}`);
const MEMBERS = TIMELINES.slice(0, 500);
const BODY = 'x'.repeat(200);
const OPERATIONS = ['getRow', 'getRange', 'batchGetRow', 'batchWriteRow'] as const;

let requests = 0;

/** The command prints its address as environment variables. */
async function startEmulator(): Promise<{ settings: Record<string, string>; stop: () => void }> {
  const command = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
  const child = spawn(process.execPath, [command, 'tablestore-emulator', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const settings: Record<string, string> = {};
  for await (const line of createInterface({ input: child.stdout })) {
    const [name = '', value = ''] = line.split('=');
    settings[name] = value;
    if (Object.keys(settings).length === 4) break;
  }
  return { settings, stop: () => child.kill() };
}

function countedClient(settings: Record<string, string>): TableStoreClient {
  const client = new sdk.Client({
    endpoint: settings.TABLESTORE_ENDPOINT,
    instancename: settings.TABLESTORE_INSTANCE,
    accessKeyId: settings.TABLESTORE_ACCESS_KEY_ID,
    secretAccessKey: settings.TABLESTORE_ACCESS_KEY_SECRET,
    maxRetries: 0,
    httpOptions: { timeout: 10_000, agent: new Agent({ keepAlive: true, maxSockets: 64 }) },
  });
  for (const name of OPERATIONS) {
    const send = client[name].bind(client);
    client[name] = (parameters) => {
      requests++;
      return send(parameters);
    };
  }
  return client;
}

async function countRequests(store: TimelineStore<string>, sequence: 'auto' | 'cas'): Promise<void> {
  const rows: { operation: string; requests: number; least: number }[] = [];
  const count = async (operation: string, least: number, run: () => Promise<unknown>) => {
    requests = 0;
    await run();
    rows.push({ operation, requests, least });
  };
  const batch = (timelines: readonly string[]) =>
    Array.from({ length: 1000 }, (_, i) => ({ timeline: timelines[i % timelines.length]!, message: BODY }));
  const isCas = sequence === 'cas';
  const timeline = store.timeline('inbox:0');
  await count('append, first of a Timeline', 1, () => store.timeline('cold').append(BODY));
  await store.appendToMany(TIMELINES, BODY);
  await store.appendToMany(MEMBERS, BODY, { key: 'warm' });
  await count('append', 1, () => timeline.append(BODY));
  await count('append with a key', isCas ? 1 : 2, () => timeline.append(BODY, { key: 'k' }));
  await count('1000 appends to one Timeline', isCas ? 1 : 5, () => store.appendBatch(batch(['inbox:0'])));
  await count('1000 appends to 1000 Timelines', 5, () => store.appendBatch(batch(TIMELINES)));
  await count('write diffusion to 500', 3, () => store.appendToMany(MEMBERS, BODY));
  await count('write diffusion to 500 with a key', isCas ? 3 : 6, () =>
    store.appendToMany(MEMBERS, BODY, { key: 'fan-out' }),
  );
  const { next } = await timeline.read({ limit: 100 });
  await count('page of 100', 1, () => timeline.read({ after: next, limit: 100 }));
  const heads = await store.heads(TIMELINES);
  const sweep = heads.map(({ timeline, lastSeqId }) => ({ timeline, after: lastSeqId }));
  await store.appendToMany(TIMELINES.slice(0, 10), BODY);
  await count('sweep of 1000 Timelines, 10 changed', 1000, () => store.readBatch(sweep));
  await count('heads of 1000', 1000, () => store.heads(TIMELINES));
  console.log(`\nRequests with ${sequence}`);
  console.table(rows);
}

const condition = new sdk.Condition(0, null);

function bareRow(timeline: string) {
  const primaryKey = [{ timeline }, { seq: sdk.PK_AUTO_INCR }];
  return { type: 'PUT', condition, primaryKey, attributeColumns: [{ b: BODY }], returnContent: { returnType: 1 } };
}

async function bareFanOut(client: TableStoreClient): Promise<number> {
  const rows = MEMBERS.map(bareRow);
  const chunks = [rows.slice(0, 200), rows.slice(200, 400), rows.slice(400)];
  await Promise.all(chunks.map((chunk) => client.batchWriteRow({ tables: [{ tableName: 'auto', rows: chunk }] })));
  return MEMBERS.length;
}

async function main(): Promise<void> {
  printMachine({ tablestore: '5.6.5' });
  const emulator = await startEmulator();
  const client = countedClient(emulator.settings);
  const open = (sequence: 'auto' | 'cas') =>
    openTimelineStore<string>({ adapter: tablestoreAdapter(client, { sequence, settleMs: 0 }), name: sequence });
  const [auto, cas] = [await open('auto'), await open('cas')];
  await countRequests(auto, 'auto');
  await countRequests(cas, 'cas');
  const fanOut = (store: TimelineStore<string>) => async () => (await store.appendToMany(MEMBERS, BODY)).length;
  await compare({
    title: 'Write diffusion to 500',
    unit: 'rows/s',
    cases: [
      { name: 'bare SDK', run: () => bareFanOut(client) },
      { name: 'auto', run: fanOut(auto) },
      { name: 'cas', run: fanOut(cas) },
    ],
  });
  const page = (store: TimelineStore<string>) => async () =>
    (await store.timeline('inbox:0').read({ limit: 1000 })).entries.length;
  const range = {
    tableName: 'auto',
    direction: 'FORWARD',
    limit: 1000,
    inclusiveStartPrimaryKey: [{ timeline: 'inbox:0' }, { seq: sdk.INF_MIN }],
    exclusiveEndPrimaryKey: [{ timeline: 'inbox:0' }, { seq: sdk.INF_MAX }],
  };
  await compare({
    title: 'Page of 1000',
    unit: 'rows/s',
    cases: [
      { name: 'bare SDK', run: async () => ((await client.getRange(range)) as { rows: unknown[] }).rows.length },
      { name: 'auto', run: page(auto) },
      { name: 'cas', run: page(cas) },
    ],
  });
  await Promise.all([auto.close(), cas.close()]);
  emulator.stop();
}

await main();
