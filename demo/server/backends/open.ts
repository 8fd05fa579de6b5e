/** Opens a store in the chat server's process. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { TimelineAdapter } from 'timeline-model';
import { memoryAdapter } from 'timeline-model/memory';
import { redisAdapter } from 'timeline-model/redis';
import { sqliteAdapter } from 'timeline-model/sqlite';
import { type TableStoreClient, tablestoreAdapter } from 'timeline-model/tablestore';
import type { Place } from './place.js';

export interface Adapters {
  /** Of conversations. */
  readonly store: TimelineAdapter;
  /** Of inboxes. */
  readonly sync: TimelineAdapter;
  close(): void;
}

export async function openAdapters(place: Place): Promise<Adapters> {
  if (place.store === 'redis') return openRedis(place.address);
  if (place.store === 'tablestore') return openTablestore(place);
  // A killed process loses nothing that SQLite has committed, and no demo survives a power cut.
  const adapter = place.store === 'memory' ? memoryAdapter() : sqliteAdapter(place.file, { synchronous: 'normal' });
  return { store: adapter, sync: adapter, close: () => {} };
}

async function openRedis(address: string): Promise<Adapters> {
  const { Redis } = await import('ioredis');
  const client = new Redis(address);
  // The adapter reports what fails; without a listener the client would print it as well.
  client.on('error', () => {});
  const adapter = redisAdapter(client, { prefix: 'timeline-demo:' });
  return { store: adapter, sync: adapter, close: () => client.disconnect() };
}

/** Uses dense SeqIds for conversations, and SeqIds of the service, with gaps, for inboxes. */
async function openTablestore(place: Place & { store: 'tablestore' }): Promise<Adapters> {
  const agent = place.endpoint.startsWith('https:')
    ? new HttpsAgent({ keepAlive: true })
    : new HttpAgent({ keepAlive: true });
  // The package has no types.
  const name: string = 'tablestore';
  const { default: sdk } = (await import(name)) as { default: { Client: new (options: object) => TableStoreClient } };
  const client = new sdk.Client({
    endpoint: place.endpoint,
    instancename: place.instanceName,
    accessKeyId: place.accessKeyId,
    secretAccessKey: place.accessKeySecret,
    httpOptions: { agent, timeout: 10_000 },
    maxRetries: 0,
  });
  return {
    store: tablestoreAdapter(client, { sequence: 'cas' }),
    sync: tablestoreAdapter(client, { sequence: 'auto' }),
    close: () => agent.destroy(),
  };
}
