import type { TimelineEntry } from '../../src/index.js';
import { copyKey } from '../shared/names.js';
import type { Stored, Synced } from '../types.js';
import type { InboxCopy } from './backlog.js';

/** A join or leave as inboxes hold it, where devices are told of them. */
export type MembershipEvent = Extract<Synced<never>, { readonly kind: 'join' | 'leave' }>;

/** Makes the copy of a join or leave; `undefined` for other entries. */
export function membershipEvent(
  conversation: string,
  { message, seqId, appendedAt }: Pick<TimelineEntry<Stored<unknown>>, 'message' | 'seqId' | 'appendedAt'>,
): MembershipEvent | undefined {
  if (message?.kind !== 'join' && message?.kind !== 'leave') return undefined;
  const { kind, users, by } = message;
  return { kind, conversation, seqId: String(seqId), users, ...(by !== undefined && { by }), sentAt: appendedAt };
}

/** The key differs from that of the marker which a join puts into inboxes in read mode. */
export function eventCopy<M>(
  conversation: string,
  entry: TimelineEntry<Stored<M>>,
  event: MembershipEvent,
): InboxCopy<M> {
  return { seqId: entry.seqId, key: `event:${copyKey(conversation, entry)}`, message: event };
}
