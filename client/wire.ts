import type { WireMessage } from '../http/protocol.js';
import type { ChatEntry } from './types.js';

/** SeqIds as bigints. */
export function entryOf<M>({ seqId, entrySeqId, relatesTo, related, ...rest }: WireMessage<M>): ChatEntry<M> {
  return {
    ...rest,
    seqId: BigInt(seqId),
    entrySeqId: BigInt(entrySeqId),
    ...(relatesTo && { relatesTo: BigInt(relatesTo) }),
  };
}

/** Path of a conversation's routes. */
export const pathOf = (conversation: string, rest = ''): string =>
  `/conversations/${encodeURIComponent(conversation)}${rest}`;
