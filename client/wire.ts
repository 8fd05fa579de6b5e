import type { WireMessage } from '../http/protocol.js';
import type { ChatEntry } from './types.js';

/** A message with what relates to it, as a page of history has it. */
export interface PageMessage<M> extends ChatEntry<M> {
  readonly edited?: true | undefined;
  readonly related?: readonly ChatEntry<M>[] | undefined;
}

/** SeqIds as bigints. */
export function entryOf<M>({ seqId, entrySeqId, relatesTo, related, ...rest }: WireMessage<M>): PageMessage<M> {
  return {
    ...rest,
    seqId: BigInt(seqId),
    entrySeqId: BigInt(entrySeqId),
    relatesTo: relatesTo === undefined ? relatesTo : BigInt(relatesTo),
    related: related?.map((each) => entryOf(each)),
  };
}
