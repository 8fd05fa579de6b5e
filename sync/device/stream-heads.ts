import type { Head, TimelineId } from '../../src/index.js';
import { membershipsOf } from '../members/memberships.js';
import type { Context } from '../shared/context.js';
import type { Membership } from '../types.js';

/** Everything to know before a page is read, looked up in one round trip. */
export interface StreamHeads {
  /** Last SeqId of the device's log; 0n for a device without one. */
  readonly deviceLog: bigint;
  /** Last SeqIds of the followed conversations. */
  readonly conversations: ReadonlyMap<string, bigint>;
  /** `true` if any conversation of the library may be in read mode. */
  readonly mayUseReadMode: boolean;
  /** The user's memberships, if asked for and any conversation may be in read mode. */
  readonly memberships: readonly Membership[] | undefined;
  /** Signs cursors. */
  readonly secret: string;
}

export async function readHeads<M>(
  { store, state, directory, settings }: Context<M>,
  { user, log }: { readonly user: string; readonly log: TimelineId | undefined },
  followed: readonly string[],
  { needsMemberships }: { readonly needsMemberships: boolean },
): Promise<StreamHeads> {
  const [[device], heads, { secret, mayUseReadMode, memberships }] = await Promise.all([
    log === undefined ? [] : state.heads([log]),
    followed.length === 0 ? [] : store.heads(followed),
    settings().then(async ({ mayUseReadMode, secret }) => ({
      secret,
      mayUseReadMode,
      memberships: needsMemberships && mayUseReadMode ? await membershipsOf(directory, user) : undefined,
    })),
  ]);
  return {
    deviceLog: device?.lastSeqId ?? 0n,
    conversations: new Map(followed.map((conversation, i) => [conversation, (heads[i] as Head).lastSeqId])),
    mayUseReadMode,
    memberships,
    secret,
  };
}
