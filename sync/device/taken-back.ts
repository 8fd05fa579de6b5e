import type { Head, Page } from '../../src/index.js';
import type { Context } from '../shared/context.js';
import { holds, type TaggedPosition, tagOf } from '../shared/epochs.js';
import type { Stored, Synced } from '../types.js';
import { type ConversationPosition, comesFromInbox, furthestOf, isFollowed } from './conversation-position.js';

type Positions = ReadonlyMap<string, ConversationPosition>;

/** `true` if each of the conversations still holds what the device has read of it. */
export function holdPositions(
  positions: Positions,
  heads: Iterable<readonly [conversation: string, head: Head]>,
): boolean {
  for (const [conversation, head] of heads) {
    const position = positions.get(conversation);
    if (position && !holds(head, furthestOf(position))) return false;
  }
  return true;
}

/** `true` if each of the conversations that were read was still, by then, the one that the position is of. */
export function holdPages<M>(
  positions: Positions,
  names: readonly string[],
  pages: readonly Page<Stored<M>>[],
): boolean {
  return holdPositions(
    positions,
    names.map((name, i) => [name, (pages[i] as Page<Stored<M>>).head]),
  );
}

/**
 * Looks at conversations that may have gone back to an earlier state since their entries came to the inbox. These are
 * the ones whose markers an inbox page holds, of whose copies the device would leave some out, or for whose next entry
 * it would wait. Returns `true` if one of them has.
 */
export async function areTakenBack<M>(
  { store }: Context<M>,
  positions: Positions,
  { entries }: Page<Synced<M>>,
): Promise<boolean> {
  const doubtful = new Map<string, TaggedPosition[]>();
  for (const { message, deleted } of entries) {
    const doubts = deleted ? [] : doubtsOf(message, positions);
    if (doubts.length > 0)
      doubtful.set(message.conversation, [...(doubtful.get(message.conversation) ?? []), ...doubts]);
  }
  if (doubtful.size === 0) return false;
  const names = [...doubtful.keys()];
  const heads = await store.heads(names);
  return names.some((name, i) => {
    const head = heads[i] as Head;
    return doubtful.get(name)?.some((doubt) => !holds(head, { ...doubt, epoch: doubt.epoch || tagOf(head.epoch) }));
  });
}

/** Positions that the conversation has to hold. Of a copy no epoch is known (0): it may be beyond the end only. */
function doubtsOf<M>(message: Synced<M>, positions: Positions): TaggedPosition[] {
  if (message.kind === 'read' || message.kind === 'settings' || message.kind === 'receipt') return [];
  const position = positions.get(message.conversation);
  const seqId = BigInt(message.seqId);
  if (message.kind === 'mode' || message.kind === 'truncated')
    return [{ epoch: tagOf(message.epoch), seqId }, ...(position ? [furthestOf(position)] : [])];
  if (!position || comesFromInbox(position, seqId)) {
    const isAwaited = position && isFollowed(position);
    return isAwaited ? [{ epoch: 0, seqId }] : [];
  }
  return isFollowed(position) ? [] : [furthestOf(position)];
}
