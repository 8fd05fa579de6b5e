/**
 * A process that stops within an append, a trim or a drop, at its n-th write request:
 * `crash-child.ts <address> <adapter options> <n> <append|trim|drop>`.
 */
import { tablestoreAdapter } from '../../adapters/tablestore/index.js';
import { openTimelineStore } from '../../src/index.js';
import { newClient } from '../support/tablestore-store.js';

const [address, options, count, command] = process.argv.slice(2) as [
  string,
  string,
  string,
  'append' | 'trim' | 'drop',
];

const client = newClient(JSON.parse(address));
const store = await openTimelineStore<string>({
  adapter: tablestoreAdapter(client, JSON.parse(options)),
  name: 'library',
});
const timeline = store.timeline('timeline');
let left = Number(count);
const send = client.batchWriteRow.bind(client);
client.batchWriteRow = (parameters) => {
  if (--left > 0) return send(parameters);
  process.send?.('stopped');
  return new Promise(() => {});
};
// Keeps the process alive for the rows that are written a little later.
setInterval(() => {}, 1000);
if (command === 'append') await timeline.append('m', { key: 'k' });
else if (command === 'drop') await timeline.drop();
else await timeline.trim({ keepLast: 2 });
