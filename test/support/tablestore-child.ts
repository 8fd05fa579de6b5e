import { tablestoreAdapter } from '../../adapters/tablestore/index.js';
import { serveAdapter } from '../../testing/index.js';
import { inSharedTables } from './tablestore-instance.js';
import { newClient } from './tablestore-store.js';

const [address, options, tables, run] = process.argv.slice(2) as [string, string, string?, string?];

serveAdapter(() => {
  const adapter = tablestoreAdapter(newClient(JSON.parse(address)), JSON.parse(options));
  return tables === undefined || run === undefined ? adapter : inSharedTables(adapter, tables, run);
});
