import { Agent } from 'node:http';
import { createRequire } from 'node:module';
import { type TableStoreAdapterOptions, type TableStoreClient, tablestoreAdapter } from '../../adapters/tablestore/index.js';
import { type EmulatorOptions, startTablestoreEmulator, type TablestoreEmulator } from '../../emulator/index.js';
import type { TimelineAdapter } from '../../src/adapter.js';

export type Address = Pick<TablestoreEmulator, 'endpoint' | 'instanceName' | 'accessKeyId' | 'accessKeySecret'>;

type SdkModule = { readonly Client: new (options: object) => TableStoreClient };
const { Client } = createRequire(import.meta.url)('tablestore') as SdkModule;

/** A client of the unmodified SDK, made as the adapter's documentation says. */
export function newClient({ endpoint, instanceName, accessKeyId, accessKeySecret }: Address, timeout = 10_000): TableStoreClient {
  return new Client({
    endpoint,
    instancename: instanceName,
    accessKeyId,
    secretAccessKey: accessKeySecret,
    maxRetries: 0,
    httpOptions: { timeout, agent: new Agent({ keepAlive: true, maxSockets: 64 }) },
  });
}

/** An emulator whose clock is that of the library opened last, and adapters on it. */
export class TablestoreWorld {
  readonly #options: TableStoreAdapterOptions;
  #now: () => number = Date.now;
  /** How much the service's clock is ahead, in milliseconds. */
  ahead = 0;

  private constructor(options: TableStoreAdapterOptions) {
    this.#options = options;
  }

  emulator!: TablestoreEmulator;

  static async start(options: TableStoreAdapterOptions = {}, emulator: EmulatorOptions = {}): Promise<TablestoreWorld> {
    const world = new TablestoreWorld(options);
    const now = () => world.#now() + world.ahead;
    world.emulator = await startTablestoreEmulator({ now, ...emulator });
    return world;
  }

  /** Another adapter, with a client of its own. */
  adapter(options: TableStoreAdapterOptions = {}): TimelineAdapter {
    const adapter = tablestoreAdapter(newClient(this.emulator), { ...this.#options, ...options });
    return {
      name: adapter.name,
      open: (library) => {
        this.#now = () => library.clock.entryTime();
        return adapter.open(library);
      },
    };
  }

  close(): Promise<void> {
    return this.emulator.close();
  }
}
