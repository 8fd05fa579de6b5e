// Compiled against the installed package with neither @types/node nor lib.esnext.disposable, and skipLibCheck off.
import { openTimelineStore, type TimelineEntry, TimelineError } from 'timeline-model';
import { createGateway, type Gateway, toNodeHandler } from 'timeline-model/http';
import { memoryAdapter } from 'timeline-model/memory';
import { type RedisClient, redisAdapter } from 'timeline-model/redis';
import { sqliteAdapter } from 'timeline-model/sqlite';
import {
  createSync,
  type MessageSync,
  type Stored,
  type Synced,
  timelineDirectory,
  writeDiffusion,
} from 'timeline-model/sync';
import { type TableStoreClient, tablestoreAdapter } from 'timeline-model/tablestore';
import { startTablestoreEmulator, type TablestoreEmulator } from 'timeline-model/tablestore-emulator';

interface Note {
  text: string;
}

export async function newest(durable: boolean): Promise<TimelineEntry<Note> | undefined> {
  const store = await openTimelineStore<Note>({
    adapter: durable ? sqliteAdapter('notes.db') : memoryAdapter(),
    name: 'notes',
  });
  try {
    const appended: bigint = (await store.timeline(['a', 1]).append({ text: 'x' })).seqId;
    return await store.timeline('a').get(appended);
  } catch (error) {
    if (error instanceof TimelineError && error.code === 'TIMELINE_BUSY') return undefined;
    throw error;
  } finally {
    await store[Symbol.asyncDispose]();
  }
}

export function onRedis(client: RedisClient): string {
  return redisAdapter(client, { keyWindowMs: 1000 }).name;
}

export async function endpointOf(started?: TablestoreEmulator): Promise<string> {
  const { endpoint } = started ?? (await startTablestoreEmulator({ port: 0, autoIncrement: { from: 1n } }));
  return endpoint;
}

export function onTablestore(client: TableStoreClient): string {
  return tablestoreAdapter(client, { sequence: 'cas' }).name;
}

export async function chat(): Promise<MessageSync<Note>> {
  const adapter = memoryAdapter();
  const [store, sync] = await Promise.all([
    openTimelineStore<Stored<Note>>({ adapter, name: 'store' }),
    openTimelineStore<Synced<Note>>({ adapter, name: 'sync' }),
  ]);
  const chat = createSync<Note>({ store, sync, directory: timelineDirectory({ store }), diffusion: writeDiffusion() });
  const { delivered } = await chat.send({ conversation: 'a', sender: 'ann', body: { text: 'x' } });
  const recipients: number = (await delivered).recipients;
  for (const message of (await chat.device('bob', 'phone').pull({ limit: recipients })).messages) {
    if (message.kind === 'message') message.body?.text;
  }
  return chat;
}

export function gateway(sync: MessageSync<Note>): Gateway {
  return createGateway(sync, { authenticate: (request) => ({ user: request.headers.get('x-user') ?? 'ann' }) });
}

export const handler = (made: Gateway) => toNodeHandler(made.fetch);
