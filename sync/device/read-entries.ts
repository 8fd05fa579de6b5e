import { type Cursor, epochOf, seqIdOf } from '../../src/index.js';
import { advanceAllOrReset } from '../shared/checkpoints.js';
import type { Context } from '../shared/context.js';
import { readerOf } from '../shared/names.js';
import type { StreamMessage } from './stream-page.js';

/**
 * Advances checkpoints that lie behind what the user's inbox tells: the process that wrote the entry died before it
 * advanced them, or is about to. Positions of an earlier life of a conversation mean nothing now.
 */
export async function healReadPositions<M>(
  { store }: Context<M>,
  user: string,
  messages: readonly StreamMessage<M>[],
): Promise<void> {
  const furthest = new Map<string, Cursor>();
  for (const { message, readPosition } of messages) {
    const known = furthest.get(message.conversation);
    if (readPosition !== undefined && (known === undefined || isLater(readPosition, known)))
      furthest.set(message.conversation, readPosition);
  }
  if (furthest.size === 0) return;
  const items = [...furthest].map(([timeline, to]) => ({ timeline, reader: readerOf.user(user), to }));
  const [standing, heads] = await Promise.all([
    store.checkpoints(items.map(({ timeline, reader }) => ({ timeline, reader }))),
    store.heads(items.map(({ timeline }) => timeline)),
  ]);
  const behind = items.filter(({ to }, i) => {
    const known = standing[i];
    const isReached = known !== undefined && epochOf(known) === epochOf(to) && seqIdOf(known) >= seqIdOf(to);
    return !isReached && heads[i]?.epoch === epochOf(to) && heads[i].lastSeqId >= seqIdOf(to);
  });
  if (behind.length > 0) await advanceAllOrReset(store, behind);
}

/** Of two epochs, the inbox tells of the newer one later. */
function isLater(position: Cursor, known: Cursor): boolean {
  return epochOf(position) !== epochOf(known) || seqIdOf(position) > seqIdOf(known);
}
