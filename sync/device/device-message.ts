import type { TimelineEntry } from '../../src/index.js';
import { detailsOf, isDeliverable } from '../inbox/inbox-entries.js';
import { isUndecodable } from '../shared/undecodable.js';
import type { Stored, Synced, SyncMessage } from '../types.js';

/** A message for a device, without the fields that depend on the device's position. */
export type DeviceMessage<M> = Omit<SyncMessage<M>, 'cursor' | 'resynced' | 'truncated' | 'toJSON'>;

type InboxCopy<M> = Omit<Extract<Synced<M>, { readonly sender: string }>, 'seqId'>;

/** Makes the message of an inbox entry; `entrySeqId` is the SeqId of the conversation's entry. */
export function fromInboxCopy<M>(copy: InboxCopy<M>, entrySeqId: bigint): DeviceMessage<M> {
  const { kind, conversation, sender, sentAt, target, by, body, undecodable } = copy;
  const { relatesTo, ...details } = detailsOf(copy);
  const seqId = target === undefined ? entrySeqId : BigInt(target);
  return {
    ...{ kind, conversation, seqId, entrySeqId, sender, sentAt },
    ...(by !== undefined && { by }),
    ...(body !== undefined && { body }),
    ...details,
    ...(relatesTo !== undefined && { relatesTo: BigInt(relatesTo) }),
    ...(undecodable && { undecodable }),
  };
}

/** Makes the message of a conversation's entry; `undefined` if devices do not get this kind. */
export function fromConversationEntry<M>(
  conversation: string,
  entry: Pick<TimelineEntry<Stored<M>>, 'message' | 'deleted' | 'seqId' | 'appendedAt'>,
): DeviceMessage<M> | undefined {
  const { message, deleted, seqId, appendedAt } = entry;
  if (deleted) return undefined;
  if (isUndecodable(message)) {
    return fromInboxCopy({ kind: 'message', conversation, sender: '', sentAt: appendedAt, undecodable: true }, seqId);
  }
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
