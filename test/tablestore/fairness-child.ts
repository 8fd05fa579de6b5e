/**
 * A process that appends to a Timeline together with others: `fairness-child.ts <address> <adapter options> <writers>`.
 * Its first message is the milliseconds of an append without others. Then it takes `write`, sends the milliseconds of
 * each append, takes `stop`, and sends `stopped`.
 */
import { once } from 'node:events';
import { tablestoreAdapter } from '../../adapters/tablestore/index.js';
import { openTimelineStore } from '../../src/index.js';
import { newClient } from '../support/tablestore-store.js';

const [address, options, writers] = process.argv.slice(2) as [string, string, string];

const store = await openTimelineStore<string>({
  adapter: tablestoreAdapter(newClient(JSON.parse(address)), JSON.parse(options)),
  name: 'library',
});
let isStopped = false;

async function append(timeline: string): Promise<number> {
  const begun = performance.now();
  await store.timeline(timeline).append('m');
  return performance.now() - begun;
}

async function appendUntilStopped(): Promise<void> {
  while (!isStopped) process.send?.(await append('contended'));
}

const times: number[] = [];
for (let i = 0; i < 11; i++) times.push(await append('alone'));
const beginning = once(process, 'message');
process.send?.(times.sort((a, b) => a - b)[5]);
await beginning;
const writing = Array.from({ length: Number(writers) }, appendUntilStopped);
await once(process, 'message');
isStopped = true;
await Promise.all(writing);
process.send?.('stopped');
await store.close();
process.disconnect();
