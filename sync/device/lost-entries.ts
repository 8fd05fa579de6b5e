import { seqIdOf } from '../../src/index.js';
import { withJson } from '../../src/toolkit/index.js';
import { membershipsOf } from '../members/memberships.js';
import type { Context } from '../shared/context.js';
import { readerOf } from '../shared/names.js';
import type { TruncatedConversation } from '../types.js';
import type { ConversationPosition } from './conversation-position.js';

/**
 * Entries that a device was to read from a conversation are gone, and the user's leave may be among them. Returns
 * `undefined` if the user is a member behind them. Otherwise returns the SeqId up to which the device gets nothing: the
 * last leave, as the directory may have forgotten when an earlier membership ended.
 */
export async function leftAmongLost<M>(
  { store, directory }: Context<M>,
  { user, conversation, through }: { readonly user: string; readonly conversation: string; readonly through: bigint },
  { memberSince = 0n }: ConversationPosition,
): Promise<bigint | undefined> {
  if (!directory.apply || through < memberSince) return undefined;
  await directory.refresh?.(conversation);
  let isMember: boolean;
  if (directory.isMember) isMember = await directory.isMember(conversation, user, through + 1n);
  else {
    const memberships = await membershipsOf(directory, user);
    isMember = memberships.some((each) => each.conversation === conversation && each.joinedAt <= through);
  }
  if (isMember) return undefined;
  const left = await store.timeline(conversation).checkpoint(readerOf.leave(user)).get();
  return left !== undefined && seqIdOf(left) > through ? seqIdOf(left) : through;
}

/** One loss for each conversation, the furthest. */
export function mergedLosses(losses: readonly Omit<TruncatedConversation, 'toJSON'>[]): TruncatedConversation[] {
  const furthest = new Map<string, bigint>();
  for (const { conversation, through } of losses)
    if (through > (furthest.get(conversation) ?? 0n)) furthest.set(conversation, through);
  return [...furthest].map(([conversation, through]) => withJson({ conversation, through }));
}
