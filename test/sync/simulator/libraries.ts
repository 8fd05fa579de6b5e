import { openTimelineStore } from '../../../src/index.js';
import type { TimelineStore } from '../../../src/types.js';
import type { Stored, Synced } from '../../../sync/types.js';
import type { Adapters } from './families.js';
import { type Setting, STORE_TTL_MS, TTL_MS } from './scenario.js';

export interface Libraries {
  readonly store: TimelineStore<Stored<string>>;
  readonly sync: TimelineStore<Synced<string>>;
  /** Absent: the store library has the states. */
  readonly state: TimelineStore<Stored<string>> | undefined;
  close(): Promise<void>;
}

export async function openLibraries(
  adapters: Adapters,
  now: () => number,
  { expires, storeExpires, hasState }: Setting,
): Promise<Libraries> {
  // The simulated clock jumps: the libraries have to trust it.
  const trusted = { now, clockToleranceMs: Number.POSITIVE_INFINITY };
  const shared = { ...trusted, retry: { attempts: 3, minDelayMs: 1, maxDelayMs: 2 }, onWarning: () => undefined };
  const open = (name: string, ttlMs: number | undefined) =>
    openTimelineStore<Stored<string>>({ ...shared, adapter: adapters.store, name, ttlMs });
  const [store, state, sync] = await Promise.all([
    open('store', storeExpires ? STORE_TTL_MS : undefined),
    hasState ? open('state', undefined) : undefined,
    openTimelineStore<Synced<string>>({
      ...shared,
      adapter: adapters.sync,
      name: 'sync',
      ttlMs: expires ? TTL_MS : undefined,
    }),
  ]);
  return {
    ...{ store, state, sync },
    async close() {
      await Promise.all([store.close(), state?.close(), sync.close()]);
    },
  };
}
