import type { Head } from '../../src/index.js';
import { membershipsOf } from '../members/memberships.js';
import type { Context } from '../shared/context.js';
import type { Membership } from '../types.js';
import type { DeviceLog } from './device-log.js';

/** Everything to know before a page is read, looked up in one round trip. */
export interface StreamHeads {
  /** Last SeqId of the device's log. */
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
  { user, log }: { readonly user: string; readonly log: DeviceLog<M> },
  followed: readonly string[],
  { needsMemberships }: { readonly needsMemberships: boolean },
): Promise<StreamHeads> {
  const [[device], heads, { secret, mayUseReadMode, memberships }] = await Promise.all([
    state.heads([log.id]),
    followed.length === 0 ? [] : store.heads(followed),
    settings().then(async ({ mayUseReadMode, secret }) => ({
      secret,
      mayUseReadMode,
      memberships: needsMemberships && mayUseReadMode ? await membershipsOf(directory, user) : undefined,
    })),
  ]);
  return {
    deviceLog: (device as Head).lastSeqId,
    conversations: new Map(followed.map((conversation, i) => [conversation, (heads[i] as Head).lastSeqId])),
    mayUseReadMode,
    memberships,
    secret,
  };
}
