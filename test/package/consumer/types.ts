// Compiled against the installed package with neither @types/node nor lib.esnext.disposable, and skipLibCheck off.
import { openTimelineStore, type TimelineEntry, TimelineError } from 'timeline-model';
import { memoryAdapter } from 'timeline-model/memory';
import { sqliteAdapter } from 'timeline-model/sqlite';

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
