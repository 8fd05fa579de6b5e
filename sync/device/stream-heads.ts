import type { TimelineId } from '../../src/index.js';
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
  { store, directory, settings }: Context<M>,
  { user, log }: { readonly user: string; readonly log: TimelineId | undefined },
  followed: readonly string[],
  { needsMemberships }: { readonly needsMemberships: boolean },
): Promise<StreamHeads> {
  const [heads, { secret, mayUseReadMode, memberships }] = await Promise.all([
    store.heads(log === undefined ? followed : [log, ...followed]),
    settings().then(async ({ mayUseReadMode, secret }) => ({
      secret,
      mayUseReadMode,
      memberships: needsMemberships && mayUseReadMode ? await membershipsOf(directory, user) : undefined,
    })),
  ]);
  const lastSeqIds = heads.map(({ lastSeqId }) => lastSeqId);
  const deviceLog = log === undefined ? 0n : (lastSeqIds.shift() as bigint);
  return {
    deviceLog,
    conversations: new Map(followed.map((conversation, i) => [conversation, lastSeqIds[i] as bigint])),
    mayUseReadMode,
    memberships,
    secret,
  };
}
