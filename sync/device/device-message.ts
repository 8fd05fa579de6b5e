import type { Cursor, TimelineEntry } from '../../src/index.js';
import { detailsOf, isDeliverable } from '../inbox/inbox-entries.js';
import { type MembershipEvent, membershipEvent } from '../inbox/membership-events.js';
import { isUndecodable } from '../shared/undecodable.js';
import type { SignalMessage, Stored, Synced, SyncMessage } from '../types.js';

type WithoutPosition<T> = T extends unknown ? Omit<T, 'cursor' | 'resynced' | 'truncated' | 'toJSON'> : never;

/** A message for a device, without the fields that depend on the device's position. */
export type DeviceMessage<M> = WithoutPosition<Exclude<SyncMessage<M>, SignalMessage>>;

/** A {@link DeviceMessage} of certain kinds. */
export type DeviceMessageOf<M, K extends DeviceMessage<M>['kind']> = Extract<DeviceMessage<M>, { readonly kind: K }>;

type InboxCopy<M> = Omit<Extract<Synced<M>, { readonly sender: string }>, 'seqId'>;

/** Makes the message of an inbox entry; `entrySeqId` is the SeqId of the conversation's entry. */
export function fromInboxCopy<M>(
  copy: InboxCopy<M>,
  entrySeqId: bigint,
): DeviceMessageOf<M, 'message' | 'edit' | 'recall'> {
  const { kind, conversation, sender, sentAt, target, by, body, undecodable } = copy;
  const seqId = target === undefined ? entrySeqId : BigInt(target);
  const fields = { conversation, seqId, entrySeqId, sender, sentAt };
  const changed = { ...fields, ...(by !== undefined && { by }) };
  const content = { ...(body !== undefined && { body }), ...(undecodable && { undecodable }) };
  if (kind === 'recall') return { kind, ...changed };
  if (kind === 'edit') return { kind, ...changed, ...content };
  const { relatesTo, ...details } = detailsOf(copy);
  return { kind, ...fields, ...content, ...details, ...(relatesTo !== undefined && { relatesTo: BigInt(relatesTo) }) };
}

/** Makes the message of a join or leave. */
export function fromMembershipEvent<M>({ conversation, seqId: at, ...event }: MembershipEvent): DeviceMessage<M> {
  const seqId = BigInt(at);
  return { ...event, conversation, seqId, entrySeqId: seqId, sender: event.by ?? '' };
}

/** Makes the message of a conversation's entry; `undefined` if devices do not get this kind. */
export function fromConversationEntry<M>(
  conversation: string,
  entry: Pick<TimelineEntry<Stored<M>>, 'message' | 'deleted' | 'seqId' | 'appendedAt'>,
  { membershipEvents }: { readonly membershipEvents: boolean } = { membershipEvents: false },
): DeviceMessage<M> | undefined {
  const { message, deleted, seqId, appendedAt } = entry;
  if (deleted) return undefined;
  if (isUndecodable(message)) {
    return fromInboxCopy({ kind: 'message', conversation, sender: '', sentAt: appendedAt, undecodable: true }, seqId);
  }
  const event = membershipEvents ? membershipEvent(conversation, entry) : undefined;
  if (event) return fromMembershipEvent(event);
  if (!isDeliverable(message)) return undefined;
  const { kind, sender } = message;
  const body = kind === 'recall' ? undefined : message.body;
  const copy = {
    ...{ kind, conversation, sender, sentAt: appendedAt },
    ...(kind === 'message'
      ? detailsOf(message)
      : { target: message.target, ...(message.by !== undefined && { by: message.by }) }),
    ...(body !== undefined && { body }),
  };
  const isRecalled = kind === 'edit' ? body === undefined : kind === 'message' && message.recalled !== undefined;
  return { ...fromInboxCopy(copy, seqId), ...(isRecalled && { recalled: true }) };
}

/** Adds the cursor of a message. Not enumerable: JSON and copies of the message would hold it without being asked. */
export function withCursor<T extends object>(message: T, cursor: () => Cursor): T & { readonly cursor: Cursor } {
  return Object.defineProperty(message, 'cursor', { get: cursor }) as T & { readonly cursor: Cursor };
}
