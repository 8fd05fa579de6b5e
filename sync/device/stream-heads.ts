import type { Head, TimelineId } from '../../src/index.js';
import { membershipsOf } from '../members/memberships.js';
import type { Context } from '../shared/context.js';
import { heldSeqId } from '../shared/epochs.js';
import type { Membership } from '../types.js';
import { type ConversationPosition, followedOf } from './conversation-position.js';
import { mayEnd } from './stream-progress.js';

/** Everything to know before a page is read, looked up in one round trip. */
export interface StreamHeads {
  /** Head of the device's log; absent for a device without one. */
  readonly deviceLog: Head | undefined;
  /** Heads of the followed conversations. */
  readonly conversations: ReadonlyMap<string, Head>;
  /** SeqIds of the fan-out positions of conversations whose positions may end; 0n for none. */
  readonly fanOutPositions: ReadonlyMap<string, bigint>;
  /** `true` if any conversation of the library may be in read mode. */
  readonly mayUseReadMode: boolean;
  /** The user's memberships, if asked for and any conversation may be in read mode. */
  readonly memberships: readonly Membership[] | undefined;
  /** Signs cursors. */
  readonly secret: string;
  /** See `LibrarySettings`. */
  readonly life: number;
}

/** `keepsPassed`: positions that no inbox entry needs are kept, as nothing else tells of an earlier membership. */
export async function readHeads<M>(
  context: Context<M>,
  { user, log }: { readonly user: string; readonly log: TimelineId | undefined },
  positions: ReadonlyMap<string, ConversationPosition>,
  { needsMemberships, keepsPassed }: { readonly needsMemberships: boolean; readonly keepsPassed: boolean },
): Promise<StreamHeads> {
  const { store, state, directory, settings, libraryLife } = context;
  const followed = followedOf(positions);
  const ending = keepsPassed ? [] : [...positions].flatMap(([name, position]) => (mayEnd(position) ? [name] : []));
  libraryLife.look();
  const [[device], heads, fanOutPositions, { secret, life, mayUseReadMode, memberships }] = await Promise.all([
    log === undefined ? [] : state.heads([log]),
    followed.length === 0 ? [] : store.heads(followed),
    fanOutPositionsOf(context, ending),
    settings().then(async ({ mayUseReadMode, secret, life }) => ({
      secret,
      life,
      mayUseReadMode,
      memberships: needsMemberships && mayUseReadMode ? await membershipsOf(directory, user) : undefined,
    })),
  ]);
  return {
    deviceLog: device,
    conversations: new Map(followed.map((conversation, i) => [conversation, heads[i] as Head])),
    fanOutPositions,
    mayUseReadMode,
    memberships,
    secret,
    life,
  };
}

async function fanOutPositionsOf<M>(
  { store, fanOutPositions }: Context<M>,
  conversations: readonly string[],
): Promise<Map<string, bigint>> {
  if (conversations.length === 0) return new Map();
  const [cursors, heads] = await Promise.all([fanOutPositions.get(conversations), store.heads(conversations)]);
  return new Map(conversations.map((conversation, i) => [conversation, heldSeqId(heads[i] as Head, cursors[i])]));
}
