import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, it } from 'vitest';
import { type TableStoreClient, tablestoreAdapter } from '../../adapters/tablestore/index.js';
import { startTablestoreEmulator } from '../../emulator/index.js';
import type { TimelineAdapter } from '../../src/adapter.js';
import { describeAdapter, type Law } from '../../testing/index.js';
import { bundled } from '../support/bundled.js';
import { inSharedTables, instanceOf } from '../support/tablestore-instance.js';
import { newClient } from '../support/tablestore-store.js';

const CHILD = fileURLToPath(new URL('../support/tablestore-child.ts', import.meta.url));
const TABLES = 'timeline_model_conformance';

const instance = instanceOf(process.env);
if (!instance) {
  console.log(
    'tablestore instance: TABLESTORE_ENDPOINT is not set, so a few laws run on an emulator (docs/tablestore.md)',
  );
}
const emulator = instance ? undefined : await startTablestoreEmulator();
const address = (instance ?? emulator)!;
/** Of the emulator the other files have all of them; here it shows that the laws hold in tables that are shared. */
const some: { laws?: readonly Law[] } = instance ? {} : { laws: ['Checkpoint', 'Ids', 'Limits'] };

for (const sequence of ['cas', 'auto'] as const) {
  const runs = new WeakMap<TimelineAdapter, string>();
  const adapterOn = (run: string): TimelineAdapter => {
    const adapter = inSharedTables(
      tablestoreAdapter(newClient(address), { sequence, idlePollMs: 200 }),
      `${TABLES}_${sequence}`,
      run,
    );
    runs.set(adapter, run);
    return adapter;
  };
  const runOf = (adapter: TimelineAdapter) => runs.get(adapter) as string;
  describeAdapter(
    { describe, it },
    {
      name: `tablestore ${sequence}, on an instance`,
      create: () => adapterOn(randomBytes(6).toString('hex')),
      reopen: (adapter) => adapterOn(runOf(adapter)),
      fork: (adapter) => {
        const args = [JSON.stringify(address), JSON.stringify({ sequence }), `${TABLES}_${sequence}`, runOf(adapter)];
        return fork(bundled(CHILD), args, { execArgv: ['--no-deprecation'] });
      },
      runs: 3,
      ...some,
    },
  );
}

/** The tables that the run has made, and nothing else. */
afterAll(async () => {
  const client = newClient(address) as TableStoreClient & {
    listTable(parameters: object): Promise<{ tableNames?: string[]; table_names?: string[] }>;
    deleteTable(parameters: object): Promise<unknown>;
  };
  const answer = await client.listTable({});
  const made = (answer.tableNames ?? answer.table_names ?? []).filter((name) => name.startsWith(TABLES));
  for (const tableName of made) await client.deleteTable({ tableName });
  await emulator?.close();
}, 120_000);
