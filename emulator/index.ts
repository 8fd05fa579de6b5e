/**
 * A local TableStore for tests and development: the real wire protocol over HTTP, in one process.
 * `docs/tablestore-emulator.md` lists the supported and unsupported features.
 */
import type { AddressInfo } from 'node:net';
import type { Fault } from './faults.js';
import type { EmulatorOptions } from './options.js';
import { checkFault, checkOptions } from './options-check.js';
import { createEmulatorServer } from './server.js';
import { Instance } from './storage/instance.js';

export type { Fault } from './faults.js';
export type { AutoIncrementOptions, EmulatorOptions, Limits } from './options.js';

/** A running emulator. The first four fields are the arguments of a client's constructor. */
export interface TablestoreEmulator {
  /** URL of the server: `http://127.0.0.1:<port>`. */
  readonly endpoint: string;
  /** Instance that requests must name. */
  readonly instanceName: string;
  /** Access key id that requests must be signed with. */
  readonly accessKeyId: string;
  /** Access key secret that requests must be signed with. */
  readonly accessKeySecret: string;
  /** Injects a fault; returns a function that removes it. `EMULATOR_INVALID_OPTION` for a fault without effect. */
  inject(fault: Fault): () => void;
  /** Breaks open connections, stops listening and releases the file. Idempotent. */
  close(): Promise<void>;
}

const EXPIRY_INTERVAL_MS = 60_000;

/**
 * Starts an emulator.
 *
 * @throws EmulatorOptionError (`code: 'EMULATOR_INVALID_OPTION'`) for an unknown or invalid option
 * @throws EmulatorFileError (`code: 'EMULATOR_FILE_FOREIGN'`) if `file` is not an emulator's file; it stays unchanged
 * @throws EmulatorFileError (`code: 'EMULATOR_FILE_IN_USE'`) if another emulator uses `file`
 *
 * @example
 * ```ts
 * const emulator = await startTablestoreEmulator();
 * const client = new TableStore.Client({
 *   endpoint: emulator.endpoint,
 *   instancename: emulator.instanceName,
 *   accessKeyId: emulator.accessKeyId,
 *   secretAccessKey: emulator.accessKeySecret,
 * });
 * await emulator.close();
 * ```
 */
export async function startTablestoreEmulator(given: EmulatorOptions = {}): Promise<TablestoreEmulator> {
  const options = checkOptions(given);
  const credentials = {
    instanceName: options.instanceName ?? 'emulator',
    accessKeyId: options.accessKeyId ?? 'emulator',
    accessKeySecret: options.accessKeySecret ?? 'emulator-secret',
  };
  const host = options.host ?? '127.0.0.1';
  const instance = await Instance.open(options);
  const server = createEmulatorServer(instance, credentials);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  }).catch(async (error: unknown) => {
    await instance.close();
    throw error;
  });
  const expiry = setInterval(() => instance.expire(), EXPIRY_INTERVAL_MS).unref();
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    clearInterval(expiry);
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    await instance.close();
  };
  let closing: Promise<void> | undefined;
  return {
    endpoint: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    ...credentials,
    inject: (fault) => {
      checkFault(fault);
      return instance.faults.inject(fault);
    },
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}
