import { Agent } from 'node:http';
import { createRequire } from 'node:module';
import {
  type TableStoreAdapterOptions,
  type TableStoreClient,
  tablestoreAdapter,
} from '../../adapters/tablestore/index.js';
import { type EmulatorOptions, startTablestoreEmulator, type TablestoreEmulator } from '../../emulator/index.js';
import type { TimelineAdapter } from '../../src/adapter.js';
import { TablestorePath } from './tablestore-path.js';

export type Address = Pick<TablestoreEmulator, 'endpoint' | 'instanceName' | 'accessKeyId' | 'accessKeySecret'>;

type SdkModule = { readonly Client: new (options: object) => TableStoreClient };
const { Client } = createRequire(import.meta.url)('tablestore') as SdkModule;

/** A client of the unmodified SDK, made as the adapter's documentation says. */
export function newClient(
  { endpoint, instanceName, accessKeyId, accessKeySecret }: Address,
  timeout = 10_000,
): TableStoreClient {
  return new Client({
    endpoint,
    instancename: instanceName,
    accessKeyId,
    secretAccessKey: accessKeySecret,
    maxRetries: 0,
    httpOptions: { timeout, agent: new Agent({ keepAlive: true, maxSockets: 64 }) },
  });
}

/** An emulator whose clock is that of the library opened last, if its own counts alone, and adapters on it. */
export class TablestoreWorld {
  readonly #options: TableStoreAdapterOptions;
  #path: TablestorePath | undefined;
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

  /** Adapters that come later reach the emulator by a path that can go silent. */
  async takePath(): Promise<void> {
    this.#path = await TablestorePath.start(this.emulator.endpoint);
  }

  get path(): TablestorePath {
    if (!this.#path) throw new Error('these adapters reach the emulator directly');
    return this.#path;
  }

  get address(): Address {
    const { instanceName, accessKeyId, accessKeySecret } = this.emulator;
    const { endpoint } = this.#path ?? this.emulator;
    return { endpoint, instanceName, accessKeyId, accessKeySecret };
  }

  /** Another adapter, with a client of its own. */
  adapter(options: TableStoreAdapterOptions = {}): TimelineAdapter {
    const adapter = tablestoreAdapter(newClient(this.address), { ...this.#options, ...options });
    return {
      ...adapter,
      open: (library) => {
        const { clock } = library;
        this.#now = clock.trustsNow ? () => clock.entryTime() : Date.now;
        return adapter.open(library);
      },
    };
  }

  async close(): Promise<void> {
    await this.#path?.close();
    await this.emulator.close();
  }
}
