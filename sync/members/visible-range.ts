import type { Context } from '../shared/context.js';
import { each } from '../shared/listing.js';
import { lenient } from '../shared/undecodable.js';
import type { Membership } from '../types.js';
import { lastLeaves } from './last-leaves.js';

/** The entries of a conversation that a user sees. */
export interface VisibleRange {
  /** SeqId before the first entry. */
  readonly after: bigint;
  /** SeqId of the last entry; absent for a present member. */
  readonly through?: bigint | undefined;
}

/** A membership that a leave ended. */
interface FormerMembership {
  readonly after: bigint;
  readonly through: bigint;
  /** SeqId of the leave before; 0n for none. */
  readonly leftBefore: bigint;
}

/**
 * Returns what a user sees: as a member, what the membership shows; as a former member, what the last one showed, up to
 * the leave. A member who came back may continue where the leave was: what came before is visible too. `undefined` for
 * a user who was never a member, as far as the directory knows.
 */
export async function visibleRange<M>(
  context: Context<M>,
  conversation: string,
  user: string,
): Promise<VisibleRange | undefined> {
  const [from, [leftAt = 0n]] = await Promise.all([
    presentFrom(context, conversation, user),
    lastLeaves(context.store, [{ conversation, user }]),
  ]);
  let former = await formerMembership(context, conversation, user, leftAt);
  const through = from === undefined ? former?.through : undefined;
  let after = from ?? former?.after;
  if (after === undefined) return undefined;
  while (former && former.through >= after) {
    if (former.after < after) after = former.after;
    former = await formerMembership(context, conversation, user, former.leftBefore);
  }
  return { after, through };
}

async function presentFrom<M>(
  { directory }: Context<M>,
  conversation: string,
  user: string,
): Promise<bigint | undefined> {
  for await (const item of each<string | Membership>(directory.conversations(user))) {
    if (item === conversation) return 0n;
    if (typeof item === 'object' && item.conversation === conversation) return item.from;
  }
  return undefined;
}

/** A leave that is in force has the memberships that it ended. */
async function formerMembership<M>(
  { store }: Context<M>,
  conversation: string,
  user: string,
  leftAt: bigint,
): Promise<FormerMembership | undefined> {
  if (leftAt === 0n) return undefined;
  const entry = await store.timeline(conversation).get(leftAt, lenient);
  if (entry?.message?.kind !== 'leave') return undefined;
  const ended = entry.message.ended?.find((each) => each.user === user);
  return ended && { after: BigInt(ended.from), through: leftAt, leftBefore: BigInt(ended.leftBefore) };
}
