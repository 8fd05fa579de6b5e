import type { TimelineEntry } from '../../src/types.js';
import { isDeliverable } from '../inbox/inbox-entries.js';
import { isUndecodable } from '../shared/undecodable.js';
import type { Stored, SyncMessage } from '../types.js';

/** A message as a device gets it, but for what depends on the position. */
export type Shown<M> = Omit<SyncMessage<M>, 'cursor' | 'resynced'>;

interface Copy<M> {
  readonly kind: 'message' | 'edit' | 'recall';
  readonly conversation: string;
  readonly sender: string;
  readonly sentAt: number;
  readonly target?: string;
  readonly body?: M;
  readonly undecodable?: true;
}

export function shownCopy<M>(copy: Copy<M>, entrySeqId: bigint): Shown<M> {
  const { kind, conversation, sender, sentAt, target, body, undecodable } = copy;
  const seqId = target === undefined ? entrySeqId : BigInt(target);
  return {
    ...{ kind, conversation, seqId, entrySeqId, sender, sentAt },
    ...(body !== undefined && { body }),
    ...(undecodable && { undecodable }),
  };
}

/** An entry of a conversation; `undefined` if it is nothing that devices get. */
export function shownEntry<M>(conversation: string, entry: TimelineEntry<Stored<M>>): Shown<M> | undefined {
  const { message, deleted, seqId, appendedAt } = entry;
  if (deleted) return undefined;
  if (isUndecodable(message)) {
    return shownCopy({ kind: 'message', conversation, sender: '', sentAt: appendedAt, undecodable: true }, seqId);
  }
  if (!isDeliverable(message)) return undefined;
  const { kind, sender } = message;
  const body = kind === 'recall' ? undefined : message.body;
  const copy = {
    ...{ kind, conversation, sender, sentAt: appendedAt },
    ...(kind !== 'message' && { target: message.target }),
    ...(body !== undefined && { body }),
  };
  const isRecalled = kind === 'edit' ? body === undefined : kind === 'message' && message.recalled !== undefined;
  return { ...shownCopy(copy, seqId), ...(isRecalled && { recalled: true }) };
}
