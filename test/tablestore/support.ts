import { onTestFinished } from 'vitest';
import {
  type TableStoreAdapterOptions,
  type TableStoreClient,
  tablestoreAdapter,
} from '../../adapters/tablestore/index.js';
import { type EmulatorOptions, startTablestoreEmulator, type TablestoreEmulator } from '../../emulator/index.js';
import type { AdapterWarning } from '../../src/adapter.js';
import { openTimelineStore } from '../../src/index.js';
import type { TimelineStore, TimelineStoreOptions } from '../../src/types.js';
import { newClient } from '../support/tablestore-store.js';

/** An emulator for one test. */
export async function emulate(options: EmulatorOptions = {}): Promise<TablestoreEmulator> {
  const emulator = await startTablestoreEmulator(options);
  onTestFinished(() => emulator.close());
  return emulator;
}

export interface Opened extends TimelineStore<string> {
  readonly warnings: readonly AdapterWarning[];
  readonly client: TableStoreClient;
}

/** Opens a library on it with a client of its own. The library is closed with the test. */
export async function open(
  emulator: TablestoreEmulator,
  adapter: TableStoreAdapterOptions = {},
  store: Partial<TimelineStoreOptions<string>> & { readonly client?: TableStoreClient } = {},
): Promise<Opened> {
  const { client = newClient(emulator), ...rest } = store;
  const warnings: AdapterWarning[] = [];
  const opened = await openTimelineStore<string>({
    adapter: tablestoreAdapter(client, adapter),
    name: 'library',
    onWarning: (warning) => warnings.push(warning),
    ...rest,
  });
  onTestFinished(() => opened.close().catch(() => {}));
  return Object.assign(opened, { warnings, client });
}

export interface Counted {
  readonly client: TableStoreClient;
  /** Requests by their operation. */
  readonly counts: Record<string, number>;
  reset(): void;
}

/** A client that counts what is sent. */
export function counted(emulator: TablestoreEmulator): Counted {
  const client = newClient(emulator);
  const counts: Record<string, number> = {};
  for (const name of ['getRow', 'getRange', 'batchGetRow', 'batchWriteRow', 'createTable', 'describeTable'] as const) {
    const send = client[name].bind(client);
    client[name] = (parameters) => {
      counts[name] = (counts[name] ?? 0) + 1;
      return send(parameters);
    };
  }
  return {
    client,
    counts,
    reset: () => {
      for (const name of Object.keys(counts)) delete counts[name];
    },
  };
}

export async function bodies(store: TimelineStore<string>, timeline = 'timeline'): Promise<string[]> {
  const found: string[] = [];
  for await (const { message } of store.timeline(timeline).scan()) found.push(message);
  return found;
}
