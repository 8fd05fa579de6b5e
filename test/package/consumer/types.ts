// Compiled against the installed package with neither @types/node nor lib.esnext.disposable, and skipLibCheck off.
import { openTimelineStore, type TimelineEntry, TimelineError } from 'timeline-model';
import { memoryAdapter } from 'timeline-model/memory';
import { type RedisClient, redisAdapter } from 'timeline-model/redis';
import { sqliteAdapter } from 'timeline-model/sqlite';
import { startTablestoreEmulator, type TablestoreEmulator } from 'timeline-model/tablestore-emulator';

interface Note {
  text: string;
}

export async function newest(durable: boolean): Promise<TimelineEntry<Note> | undefined> {
  const store = await openTimelineStore<Note>({ adapter: durable ? sqliteAdapter('notes.db') : memoryAdapter(), name: 'notes' });
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
