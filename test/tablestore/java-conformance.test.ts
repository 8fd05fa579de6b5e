import { describe, it } from 'vitest';
import type { TableStoreAdapterOptions } from '../../adapters/tablestore/index.js';
import type { TimelineAdapter } from '../../src/adapter.js';
import { describeAdapter, type Law } from '../../testing/index.js';
import { nightly } from '../support/nightly.js';
import { TablestoreWorld } from '../support/tablestore-store.js';
import { asContent, asFields, type Disguise, disguised } from './java-bodies.js';

function prove(name: string, laws: readonly Law[], options: TableStoreAdapterOptions, disguise: Disguise): void {
  const worlds = new Map<TimelineAdapter, TablestoreWorld>();
  const adapterOn = (world: TablestoreWorld) => {
    const adapter = disguised(world.adapter(), disguise);
    worlds.set(adapter, world);
    return adapter;
  };
  const worldOf = (adapter: TimelineAdapter) => worlds.get(adapter) as TablestoreWorld;
  describeAdapter(
    { describe, it },
    {
      name,
      laws,
      create: async () => adapterOn(await TablestoreWorld.start({ settleMs: 0, ...options })),
      reopen: (adapter) => adapterOn(worldOf(adapter)),
      destroy: (adapter) => worldOf(adapter).close(),
    },
  );
}

// Only the laws that depend on how a row holds an entry; all else is the same code under any layout. A table of Java
// keeps no entry longer than its TTL, so with the service's ids only an upper bound of the expired ones is known:
// `Truncation` is for manual ids.
prove(
  'tablestore java-v2',
  nightly ? ['Order', 'Idempotence', 'Update', 'Delete', 'Expiry'] : ['Idempotence', 'Update', 'Expiry'],
  { layout: { type: 'java-v2', keyField: 'client_msg_id' } },
  asFields,
);
prove(
  'tablestore java-v2 with manual ids',
  nightly ? ['Order', 'Truncation', 'Manual ids'] : ['Truncation', 'Manual ids'],
  { layout: 'java-v2', sequence: 'manual' },
  asFields,
);
prove(
  'tablestore java-v1',
  nightly ? ['Idempotence', 'Update', 'Delete', 'Bodies'] : ['Delete', 'Bodies'],
  { layout: { type: 'java-v1', content: 'bytes' } },
  asContent,
);
