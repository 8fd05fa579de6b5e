import { type Cursor, epochOf, type Head, isTimelineError, seqIdOf } from '../../src/index.js';
import { invalidArgument } from '../../src/toolkit/index.js';
import type { Context } from '../shared/context.js';
import { heldSeqId, holdsCursor } from '../shared/epochs.js';
import { chunks } from '../shared/listing.js';
import { readerOf } from '../shared/names.js';
import { lenient } from '../shared/undecodable.js';
import { sendReceipts } from './receipts.js';

interface ReadPosition {
  readonly conversation: string;
  readonly position: Cursor;
}

const POSITIONS_PER_CALL = 1000;

/** Reads the read positions of users; 0n for none, or for one in entries that the conversation has lost. */
export async function readPositions<M>(
  { store }: Context<M>,
  conversation: string,
  users: AsyncIterable<string>,
): Promise<Map<string, bigint>> {
  const positions = new Map<string, bigint>();
  for await (const some of chunks(users, POSITIONS_PER_CALL)) {
    const items = some.map((user) => ({ timeline: conversation, reader: readerOf.user(user) }));
    const [cursors, [head]] = await Promise.all([store.checkpoints(items), store.heads([conversation])]);
    for (const [i, user] of some.entries()) positions.set(user, heldSeqId(head as Head, cursors[i]));
  }
  // JSON knows no Map and no bigint. A property of its own keeps the Map equal to any other.
  const toJSON = () => Object.fromEntries([...positions].map(([user, seqId]) => [user, String(seqId)]));
  return Object.defineProperty(positions, 'toJSON', { value: toJSON });
}

/**
 * Advances a user's read position and returns the one that stands; law Checkpoint. The inbox entry that tells the
 * user's devices precedes the checkpoint: after a crash between the two, a device that reads the entry advances the
 * checkpoint, and so does a repetition.
 */
export async function markRead<M>(
  context: Context<M>,
  user: string,
  conversation: string,
  seqId: bigint,
): Promise<bigint> {
  const { store } = context;
  const checkpoint = store.timeline(conversation).checkpoint(readerOf.user(user));
  const [{ next: position, head }, stored] = await Promise.all([
    positionAt(context, conversation, seqId),
    checkpoint.get(),
  ]);
  const standing = heldSeqId(head, stored);
  if (stored !== undefined && standing >= seqId) {
    if (standing > 0n) await tellDevices(context, user, { conversation, position: stored });
    return standing;
  }
  if (seqId === 0n) return 0n;
  await sendReceipts(context, { conversation, reader: user, after: standing, to: position });
  await tellDevices(context, user, { conversation, position });
  try {
    return seqIdOf(await checkpoint.advance(position));
  } catch (error) {
    if (!isTimelineError(error) || error.code !== 'TIMELINE_EPOCH_CHANGED') throw error;
    // The conversation may have lost the entry meanwhile: the position would hide others that get its SeqId.
    const now = await store.timeline(conversation).head();
    if (!holdsCursor(now, position)) return heldSeqId(now, await checkpoint.get());
    await checkpoint.reset(position);
    return seqId;
  }
}

/** Reads up to an entry. `TIMELINE_INVALID_ARGUMENT` if the conversation does not reach that far. */
async function positionAt<M>(
  { store }: Context<M>,
  conversation: string,
  seqId: bigint,
): Promise<{ readonly next: Cursor; readonly head: Head }> {
  try {
    // Bounds that leave nothing between them: only the cursor counts.
    return await store.timeline(conversation).read({ after: seqId, before: seqId + 1n, limit: 1, ...lenient });
  } catch (error) {
    if (!isTimelineError(error) || error.code !== 'TIMELINE_ROLLED_BACK') throw error;
    throw invalidArgument('seqId', `must not lie beyond the last entry of ${JSON.stringify(conversation)}: ${seqId}`);
  }
}

/** The key makes it one entry, however often the position is told. */
async function tellDevices<M>(
  { sync }: Context<M>,
  user: string,
  { conversation, position }: ReadPosition,
): Promise<void> {
  const seqId = seqIdOf(position);
  if (seqId === 0n) return;
  const entry = { kind: 'read', conversation, seqId: String(seqId), position } as const;
  await sync.timeline(user).append(entry, { key: `read:${seqId}.${epochOf(position)}@${conversation}` });
}
