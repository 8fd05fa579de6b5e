import { type Cursor, isTimelineError, seqIdOf } from '../../src/index.js';
import type { Context } from '../shared/context.js';
import { readerOf } from '../shared/names.js';

/**
 * Advances a user's read position and returns the one that stands; law Checkpoint. An inbox entry tells the user's
 * devices.
 */
export async function markRead<M>(
  { store, sync }: Context<M>,
  user: string,
  conversation: string,
  seqId: bigint,
): Promise<bigint> {
  const checkpoint = store.timeline(conversation).checkpoint(readerOf.user(user));
  const position = await checkpoint.advance(seqId).catch(async (error: unknown) => {
    if (!isTimelineError(error) || error.code !== 'TIMELINE_EPOCH_CHANGED') throw error;
    await checkpoint.reset(seqId);
    return (await checkpoint.get()) as Cursor;
  });
  const read = seqIdOf(position);
  if (read > 0n) {
    const entry = { kind: 'read', conversation, seqId: String(read) } as const;
    await sync.timeline(user).append(entry, { key: `read:${read}@${conversation}` });
  }
  return read;
}
