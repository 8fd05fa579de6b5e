import type { WireMessage, WireSummary } from '../http/protocol.js';
import type { ChatEntry, ListedConversation } from './types.js';

/** SeqIds as bigints. */
export function entryOf<M>({ seqId, entrySeqId, relatesTo, related, ...rest }: WireMessage<M>): ChatEntry<M> {
  return {
    ...rest,
    seqId: BigInt(seqId),
    entrySeqId: BigInt(entrySeqId),
    ...(relatesTo && { relatesTo: BigInt(relatesTo) }),
  };
}

export function listedOf<M>({ last, lastSeqId, readSeqId, next, ...rest }: WireSummary<M>): ListedConversation<M> {
  return {
    ...rest,
    ...(last && { last: { ...last, seqId: BigInt(last.seqId) } }),
    lastSeqId: BigInt(lastSeqId),
    readSeqId: BigInt(readSeqId),
  };
}

/** Path of a conversation's routes. */
export const pathOf = (conversation: string, rest = ''): string =>
  `/conversations/${encodeURIComponent(conversation)}${rest}`;
