import type { InboxCopy } from './backlog.js';

/** Entries of a conversation that are gone: those after `after`, up to `through`, of one epoch. */
export interface LostEntries {
  readonly conversation: string;
  readonly epoch: string;
  readonly after: bigint;
  readonly through: bigint;
}

/**
 * Makes the inbox entry that tells devices of entries which were gone before this inbox got them. Its key has the
 * epoch: the same SeqIds may be lost in two of them.
 */
export function truncationMarker<M>({ conversation, epoch, after, through }: LostEntries): InboxCopy<M> {
  return {
    seqId: through,
    key: `truncated:${through}.${epoch}@${conversation}`,
    message: { kind: 'truncated', conversation, epoch, seqId: String(through), from: String(after) },
  };
}
