import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Redis } from 'ioredis';
import type { TimelineAdapter, TimelineStore } from '../src/index.js';
import { RedisServer } from '../test/support/redis-server.js';
import { Counts, counting } from '../test/sync/support/counting.js';
import { memoryAdapter, openTimelineStore, redisAdapter, sqliteAdapter } from './built.js';

export const PLACES = ['memory', 'sqlite', 'redis'] as const;

/** Opens two libraries in one empty database. */
export interface BenchPlace<A, B> {
  readonly store: TimelineStore<A>;
  readonly sync: TimelineStore<B>;
  readonly counts: Counts;
  /** Returns the bytes of the file or of the server's memory; NaN if unknown. */
  size(): Promise<number>;
  close(): Promise<void>;
}

export async function openPlace<A, B>(kind: (typeof PLACES)[number]): Promise<BenchPlace<A, B>> {
  const { adapter, size, close } = await OPENERS[kind]();
  const counts = new Counts();
  const library = { adapter: counting(adapter, counts), onWarning: () => undefined };
  const store = await openTimelineStore<A>({ ...library, name: 'store' });
  const sync = await openTimelineStore<B>({ ...library, name: 'sync' });
  return {
    store,
    sync,
    counts,
    size,
    async close() {
      await Promise.all([store.close(), sync.close()]);
      await close();
    },
  };
}

interface Opened {
  readonly adapter: TimelineAdapter;
  size(): Promise<number>;
  close(): Promise<void>;
}

const OPENERS: Record<(typeof PLACES)[number], () => Promise<Opened>> = {
  async memory() {
    return { adapter: memoryAdapter(), size: async () => Number.NaN, close: async () => undefined };
  },
  async sqlite() {
    const folder = mkdtempSync(join(tmpdir(), 'timeline-bench-'));
    const path = join(folder, 'timelines.db');
    return {
      adapter: sqliteAdapter(path, { synchronous: 'normal' }),
      async size() {
        const database = new Database(path);
        database.pragma('wal_checkpoint(TRUNCATE)');
        database.close();
        return statSync(path).size;
      },
      close: async () => rmSync(folder, { recursive: true, force: true }),
    };
  },
  async redis() {
    const server = await RedisServer.start();
    const client = new Redis(server.port);
    return {
      adapter: redisAdapter(client),
      size: async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]),
      async close() {
        client.disconnect();
        await server.stop();
      },
    };
  },
};
