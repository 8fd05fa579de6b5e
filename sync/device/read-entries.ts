import { type Cursor, type Head, seqIdOf } from '../../src/index.js';
import { advanceAllOrReset } from '../shared/checkpoints.js';
import type { Context } from '../shared/context.js';
import { heldSeqId, holdsCursor } from '../shared/epochs.js';
import { readerOf } from '../shared/names.js';
import type { StreamMessage } from './stream-page.js';

/**
 * Tells which of the messages are read positions and receipts of entries that the conversation has lost: they would
 * hide the messages that have these SeqIds now. Advances the user's checkpoints that lie behind the others: the process
 * that wrote the inbox entry died before it advanced them, or is about to.
 */
export async function settleReadPositions<M>(
  { store }: Context<M>,
  user: string,
  messages: readonly StreamMessage<M>[],
): Promise<readonly boolean[]> {
  const told = messages.filter(({ readPosition }) => readPosition !== undefined);
  if (told.length === 0) return messages.map(() => false);
  const names = [...new Set(told.map(({ message }) => message.conversation))];
  const items = names.map((timeline) => ({ timeline, reader: readerOf.user(user) }));
  const [stored, found] = await Promise.all([store.checkpoints(items), store.heads(names)]);
  const heads = new Map(names.map((name, i) => [name, found[i] as Head]));
  const furthest = new Map<string, Cursor>();
  const isLost = messages.map(({ message: { kind, conversation }, readPosition: position }) => {
    if (position === undefined) return false;
    const head = heads.get(conversation) as Head;
    if (!holdsCursor(head, position)) return true;
    if (kind === 'read' && seqIdOf(position) > heldSeqId(head, furthest.get(conversation)))
      furthest.set(conversation, position);
    return false;
  });
  const behind = items.flatMap((item, i) => {
    const to = furthest.get(item.timeline);
    const standing = heldSeqId(heads.get(item.timeline) as Head, stored[i]);
    return to !== undefined && seqIdOf(to) > standing ? [{ ...item, to }] : [];
  });
  if (behind.length > 0) await advanceAllOrReset(store, behind);
  return isLost;
}
