import { membershipsOf } from '../members/memberships.js';
import type { Context } from '../shared/context.js';
import type { Membership } from '../types.js';
import { type ConversationPosition, isFollowed } from './conversation-position.js';
import type { DeviceLog } from './device-log.js';

/** Everything to know before a page is read, looked up in one round trip. */
export interface StreamHeads {
  /** Last SeqId of the device's log. */
  readonly deviceLog: bigint;
  /** Last SeqIds of the followed conversations. */
  readonly conversations: ReadonlyMap<string, bigint>;
  /** The user's memberships; `undefined` if no conversation of the library can be in read mode. */
  readonly memberships: Membership[] | undefined;
  /** Signs cursors. */
  readonly secret: string;
}

export async function readHeads<M>(
  { store, directory, settings }: Context<M>,
  user: string,
  log: DeviceLog<M>,
  positions: ReadonlyMap<string, ConversationPosition>,
): Promise<StreamHeads> {
  const followed = [...positions].flatMap(([conversation, position]) => (isFollowed(position) ? [conversation] : []));
  const [heads, { secret, memberships }] = await Promise.all([
    store.heads([log.id, ...followed]),
    settings().then(async ({ mayUseReadMode, secret }) => ({
      secret,
      memberships: mayUseReadMode ? await membershipsOf(directory, user) : undefined,
    })),
  ]);
  const [deviceLog, ...others] = heads.map(({ lastSeqId }) => lastSeqId);
  return {
    deviceLog: deviceLog as bigint,
    conversations: new Map(followed.map((conversation, i) => [conversation, others[i] as bigint])),
    memberships,
    secret,
  };
}
