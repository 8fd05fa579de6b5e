import { shardTimelines } from '../../../sync/outbox/note-shard.js';
import type { Process } from './worlds.js';

/** Counts the notes of pending work that stand in the store. */
export async function standingNotes({ store }: Pick<Process, 'store'>): Promise<number> {
  const pages = await store.readBatch(shardTimelines.map((timeline) => ({ timeline, limit: 1000 })));
  return pages.flatMap(({ entries }) => entries.filter(({ deleted }) => !deleted)).length;
}
