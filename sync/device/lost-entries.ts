import type { Page } from '../../src/index.js';
import { withJson } from '../../src/toolkit/index.js';
import { lastLeaves } from '../members/last-leaves.js';
import { membershipsOf } from '../members/memberships.js';
import type { Context } from '../shared/context.js';
import type { Stored, TruncatedConversation } from '../types.js';
import type { ConversationPosition } from './conversation-position.js';
import type { StreamPosition } from './stream-page.js';

/**
 * Entries that a device was to read from conversations may be gone, and the user's leave among them. Returns for each
 * conversation `undefined` if that is not so. Otherwise returns the SeqId up to which the device gets nothing: the last
 * leave, as the directory may have forgotten when an earlier membership ended.
 */
export function leavesAmongLost<M>(
  context: Context<M>,
  user: string,
  { conversations }: StreamPosition,
  names: readonly string[],
  pages: readonly Page<Stored<M>>[],
): Promise<(bigint | undefined)[]> {
  return Promise.all(
    names.map(async (conversation, i) => {
      const position = conversations.get(conversation) as ConversationPosition;
      const { through = 0n } = pages[i]?.truncated ?? {};
      if (through <= position.deliveredThrough || isEndedBy(position, through)) return undefined;
      return leftAmongLost(context, { user, conversation, through }, position);
    }),
  );
}

/** `true` if no entry after `through` comes from the conversation. */
export function isEndedBy({ followedThrough }: ConversationPosition, through: bigint): boolean {
  return followedThrough !== undefined && followedThrough <= through;
}

async function leftAmongLost<M>(
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
  const [left = 0n] = await lastLeaves(store, [{ conversation, user }]);
  return left > through ? left : through;
}

/** One loss for each conversation, the furthest. */
export function mergedLosses(losses: readonly Omit<TruncatedConversation, 'toJSON'>[]): TruncatedConversation[] {
  const furthest = new Map<string, bigint>();
  for (const { conversation, through } of losses)
    if (through > (furthest.get(conversation) ?? 0n)) furthest.set(conversation, through);
  return [...furthest].map(([conversation, through]) => withJson({ conversation, through }));
}
