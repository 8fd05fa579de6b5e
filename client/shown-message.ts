import type { OutgoingItem } from './outgoing-item.js';
import type { ChatEntry, ShownMessage, StoredOutgoing } from './types.js';

/** An entry, or what becomes one: without a SeqId, it is not stored yet. */
export interface LaterEntry<M> extends Omit<ChatEntry<M>, 'seqId' | 'entrySeqId'> {
  readonly seqId: bigint | undefined;
}

/** The entry that an item becomes. */
export const entryOfItem = <M>(
  { stored, kind, target }: OutgoingItem<M>,
  sender = '',
  seqId?: bigint,
): LaterEntry<M> => ({
  ...{ ...(stored as StoredOutgoing & { readonly body: M }), sender },
  ...(kind === 'send' ? { kind: 'message', seqId, relatesTo: target } : { kind, seqId: target }),
});

/** Makes a message that is shown. */
export const shownOf = <M>(entry: LaterEntry<M>, isOwn: boolean, key: string): ShownMessage<M> => ({
  ...{ edited: false, recalled: false, ...entry, key, isOwn, status: 'sent', readBy: [], related: [] },
});
