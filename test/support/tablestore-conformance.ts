import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'vitest';
import type { TableStoreAdapterOptions } from '../../adapters/tablestore/index.js';
import { tableName } from '../../adapters/tablestore/tables/schema.js';
import type { EmulatorOptions } from '../../emulator/index.js';
import type { TimelineAdapter } from '../../src/adapter.js';
import { type ConformanceOptions, describeAdapter, type Law } from '../../testing/index.js';
import { bundled } from './bundled.js';
import { nightly } from './nightly.js';
import { newClient, TablestoreWorld } from './tablestore-store.js';

const CHILD = fileURLToPath(new URL('./tablestore-child.ts', import.meta.url));
/** The table keeps rows so much longer than readers see entries. */
const GRACE_MS = 86_400_000;

/** Where ids, pages, the order of visibility and lost answers matter. */
export const NASTY_LAWS: readonly Law[] = [
  'Order',
  'Read your writes',
  'No reuse',
  'Truncation',
  'Idempotence',
  'Outcome',
  'Checkpoint',
  'Fan-out',
  'Model',
];

const worlds = new WeakMap<TimelineAdapter, TablestoreWorld>();

function worldOf(adapter: TimelineAdapter): TablestoreWorld {
  return worlds.get(adapter) as TablestoreWorld;
}

function adapterOn(world: TablestoreWorld): TimelineAdapter {
  const adapter = world.adapter();
  worlds.set(adapter, world);
  return adapter;
}

/** The kit, on an emulator of its own for each test. */
export function proveTablestore(
  name: string,
  options: TableStoreAdapterOptions,
  emulator: EmulatorOptions = {},
  kit: Partial<ConformanceOptions> = {},
): void {
  describeAdapter(
    { describe, it },
    {
      name,
      create: async () => adapterOn(await TablestoreWorld.start(options, emulator)),
      reopen: (adapter) => adapterOn(worldOf(adapter)),
      fork: (adapter) => {
        const address = JSON.stringify(worldOf(adapter).address);
        return fork(bundled(CHILD), [address, JSON.stringify(options)], { execArgv: ['--no-deprecation'] });
      },
      physicalEntries: (adapter, library, timeline) => countRows(worldOf(adapter), library, timeline),
      destroy: (adapter) => worldOf(adapter).close(),
      eachNthRange: nightly ? 1 : 25,
      ...kit,
    },
  );
}

/** The law Budget, through a proxy that goes silent. */
export function proveBudget(name: string, options: TableStoreAdapterOptions): void {
  describeAdapter(
    { describe, it },
    {
      name,
      laws: ['Budget'],
      create: async () => {
        const world = await TablestoreWorld.start({ ...options, timeoutMs: 2000 });
        await world.takeProxy();
        return adapterOn(world);
      },
      reopen: (adapter) => adapterOn(worldOf(adapter)),
      async silence(adapter) {
        const { proxy } = worldOf(adapter);
        proxy.silence();
        return async () => {
          proxy.heal();
          proxy.closeSilent();
        };
      },
      async stall(adapter) {
        const { proxy } = worldOf(adapter);
        proxy.stall();
        return async () => proxy.closeSilent();
      },
      destroy: (adapter) => worldOf(adapter).close(),
    },
  );
}

/** Rows of a Timeline on a service whose clock is past the grace. */
async function countRows(world: TablestoreWorld, library: string, timeline: string): Promise<number> {
  const [min, max] = await bounds(timeline);
  world.ahead = GRACE_MS;
  try {
    const parameters = {
      tableName: tableName(library),
      direction: 'FORWARD',
      inclusiveStartPrimaryKey: min,
      exclusiveEndPrimaryKey: max,
    };
    const { rows } = (await newClient(world.emulator).getRange(parameters)) as { rows: unknown[] };
    return rows.length;
  } finally {
    world.ahead = 0;
  }
}

async function bounds(timeline: string): Promise<[object[], object[]]> {
  const { default: sdk } = (await import('tablestore' as string)) as {
    default: { INF_MIN: unknown; INF_MAX: unknown };
  };
  return [
    [{ timeline }, { seq: sdk.INF_MIN }],
    [{ timeline }, { seq: sdk.INF_MAX }],
  ];
}
