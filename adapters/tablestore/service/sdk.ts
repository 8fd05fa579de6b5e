import type { AdapterWarning } from '../../../src/adapter.js';
import { invalidArgument, TimelineError } from '../../../src/errors.js';
import type { TableStoreClient, TableStoreSdk } from './client.js';

/** The package that the client is made with: the one given, else the one that is installed. */
export async function loadSdk(client: TableStoreClient, given: TableStoreSdk | undefined): Promise<TableStoreSdk> {
  const sdk = given ?? (await importSdk());
  if (client instanceof sdk.Client) return sdk;
  const problem =
    'is not a Client of the tablestore package that was found; give the one it was made with as the option sdk';
  throw invalidArgument('client', problem);
}

async function importSdk(): Promise<TableStoreSdk> {
  try {
    // The package has no types of its own.
    const name: string = 'tablestore';
    return (await import(name)).default as TableStoreSdk;
  } catch (cause) {
    const message = 'the tablestore adapter needs the package tablestore: npm install tablestore';
    throw new TimelineError('TIMELINE_MISSING_DRIVER', message, { cause });
  }
}

/** What the SDK does unless told otherwise, and what that does to a process. */
export function checkClient(client: TableStoreClient, warn: (warning: AdapterWarning) => void): void {
  const { config } = client as {
    config?: { httpOptions?: { timeout?: unknown; agent?: unknown }; maxRetries?: unknown };
  };
  if (!config) return;
  const missing: string[] = [];
  if (!config.httpOptions?.timeout)
    missing.push('httpOptions.timeout (a server that is silent keeps a connection for ever)');
  if (!config.httpOptions?.agent)
    missing.push('httpOptions.agent (the agent of the whole process is used and changed)');
  if (config.maxRetries !== 0) missing.push('maxRetries: 0 (reads are repeated for a minute before they fail)');
  if (missing.length === 0) return;
  warn({ code: 'tablestore-client', message: `the TableStore client was made without ${missing.join(', ')}` });
}
