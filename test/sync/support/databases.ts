import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { memoryAdapter } from '../../../adapters/memory/index.js';
import { redisAdapter } from '../../../adapters/redis/index.js';
import { sqliteAdapter } from '../../../adapters/sqlite/index.js';
import { openTimelineStore, type TimelineAdapter, type TimelineStore } from '../../../src/index.js';
import type { Stored, Synced } from '../../../sync/index.js';
import { RedisServer } from '../../support/redis-server.js';
import { TablestoreWorld } from '../../support/tablestore-store.js';
import { Counts, counting } from './counting.js';

export const DATABASES = ['memory', 'sqlite', 'redis', 'tablestore'] as const;
export type DatabaseKind = (typeof DATABASES)[number];

/** An empty database with the two libraries of a MessageSync, counted. */
export interface Database<M> extends AsyncDisposable {
  readonly counts: Counts;
  readonly store: TimelineStore<Stored<M>>;
  readonly sync: TimelineStore<Synced<M>>;
}

/** With `tablestore`, conversations are numbered without gaps and inboxes by the service. */
export async function openDatabase<M>(kind: DatabaseKind): Promise<Database<M>> {
  const { store: forStore, sync: forSync, close } = await OPENERS[kind]();
  const counts = new Counts();
  const onWarning = () => undefined;
  const store = await openTimelineStore<Stored<M>>({ adapter: counting(forStore, counts), name: 'store', onWarning });
  const sync = await openTimelineStore<Synced<M>>({ adapter: counting(forSync, counts), name: 'sync', onWarning });
  return {
    counts,
    store,
    sync,
    async [Symbol.asyncDispose]() {
      await Promise.all([store.close(), sync.close()]);
      await close();
    },
  };
}

interface Opened {
  readonly store: TimelineAdapter;
  readonly sync: TimelineAdapter;
  close(): Promise<void>;
}

const OPENERS: Record<DatabaseKind, () => Promise<Opened>> = {
  async memory() {
    const adapter = memoryAdapter();
    return { store: adapter, sync: adapter, close: async () => undefined };
  },
  async sqlite() {
    const folder = mkdtempSync(join(tmpdir(), 'timeline-sync-'));
    const adapter = sqliteAdapter(join(folder, 'timelines.db'), { synchronous: 'normal' });
    return { store: adapter, sync: adapter, close: async () => rmSync(folder, { recursive: true, force: true }) };
  },
  async redis() {
    const server = await RedisServer.start();
    const client = new Redis(server.port);
    const close = async () => {
      client.disconnect();
      await server.stop();
    };
    return { store: redisAdapter(client), sync: redisAdapter(client), close };
  },
  async tablestore() {
    const world = await TablestoreWorld.start();
    return {
      store: world.adapter({ sequence: 'cas' }),
      sync: world.adapter({ sequence: 'auto' }),
      close: () => world.close(),
    };
  },
};
