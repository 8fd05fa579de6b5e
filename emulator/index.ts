/**
 * A local TableStore: the real wire protocol over HTTP, in one process, for tests and development.
 * `docs/tablestore-emulator.md` says what it does, and what it does not.
 */
import type { AddressInfo } from 'node:net';
import type { Fault } from './faults.js';
import type { EmulatorOptions } from './options.js';
import { checkFault, checkOptions } from './options-check.js';
import { createEmulatorServer } from './server.js';
import { Instance } from './storage/instance.js';

export type { Fault } from './faults.js';
export type { AutoIncrementOptions, EmulatorOptions, Limits } from './options.js';

/** A running emulator. The first four fields are what a client's constructor asks for. */
export interface TablestoreEmulator {
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string;
  readonly instanceName: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  /** Makes something go wrong from here on; the function it returns ends that. */
  inject(fault: Fault): () => void;
  /** Breaks open connections, stops listening and releases the file. */
  close(): Promise<void>;
}

const EXPIRY_INTERVAL_MS = 60_000;

/**
 * Starts an emulator.
 * @throws EmulatorOptionError (`code: 'EMULATOR_INVALID_OPTION'`) for an option that is unknown or of another type
 * @throws EmulatorFileError (`code: 'EMULATOR_FILE_FOREIGN'`) if `file` is no file of an emulator; it is left as it is
 * @throws EmulatorFileError (`code: 'EMULATOR_FILE_IN_USE'`) if another emulator has `file`
 */
export async function startTablestoreEmulator(options: EmulatorOptions = {}): Promise<TablestoreEmulator> {
  checkOptions(options);
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
