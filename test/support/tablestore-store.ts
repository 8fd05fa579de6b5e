import { Agent } from 'node:http';
import { createRequire } from 'node:module';
import {
  type TableStoreAdapterOptions,
  type TableStoreClient,
  tablestoreAdapter,
} from '../../adapters/tablestore/index.js';
import { type EmulatorOptions, startTablestoreEmulator, type TablestoreEmulator } from '../../emulator/index.js';
import type { TimelineAdapter } from '../../src/adapter.js';
import { TcpProxy } from './tcp-proxy.js';

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

/** Starts a proxy to an emulator; `latencyMs` as `TcpProxy` has it. */
export function startProxy({ endpoint }: Address, latencyMs?: number): Promise<TcpProxy> {
  return TcpProxy.start(Number(new URL(endpoint).port), latencyMs);
}

/** The address of an emulator, or of a proxy to it, as JSON can carry it to another process. */
export function addressOf(emulator: Address, proxy?: TcpProxy): Address {
  const { instanceName, accessKeyId, accessKeySecret } = emulator;
  const endpoint = proxy ? `http://127.0.0.1:${proxy.port}` : emulator.endpoint;
  return { endpoint, instanceName, accessKeyId, accessKeySecret };
}

/** An emulator whose clock is that of the library opened last, if its own counts alone, and adapters on it. */
export class TablestoreWorld {
  readonly #options: TableStoreAdapterOptions;
  #proxy: TcpProxy | undefined;
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

  /** Puts a proxy between the emulator and the adapters that are made from now on. */
  async takeProxy(): Promise<void> {
    this.#proxy = await startProxy(this.emulator);
  }

  get proxy(): TcpProxy {
    if (!this.#proxy) throw new Error('these adapters reach the emulator directly');
    return this.#proxy;
  }

  get address(): Address {
    return addressOf(this.emulator, this.#proxy);
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
    await this.#proxy?.stop();
    await this.emulator.close();
  }
}
