import { hash } from 'node:crypto';
import { type Cursor, epochOf, type Head, seqIdOf } from '../../src/index.js';

const MAX_CACHED = 1000;
const tags = new Map<string, number>();

/** A SeqId of another Timeline, and the tag of the epoch in which it was read. */
export interface TaggedPosition {
  readonly epoch: number;
  readonly seqId: bigint;
}

/**
 * Shortens an epoch to 32 bits, 0 for that of a Timeline without entries. Two epochs with the same tag pass for one:
 * once in four billion restores.
 */
export function tagOf(epoch: string): number {
  if (epoch === '') return 0;
  let tag = tags.get(epoch);
  if (tag === undefined) {
    tag = hash('sha256', epoch, 'buffer').readUInt32BE(0) || 1;
    if (tags.size >= MAX_CACHED) tags.clear();
    tags.set(epoch, tag);
  }
  return tag;
}

/** The part of a head that compares epochs. */
export type KnownHead = Pick<Head, 'epoch' | 'lastSeqId' | 'ancestors'>;

/** `true` if the Timeline still holds what it held at the position: no restore or failover has taken it back. */
export function holds(head: KnownHead, position: TaggedPosition): boolean {
  const { epoch, seqId } = position;
  if (seqId === 0n) return true;
  if (seqId > head.lastSeqId) return false;
  if (epoch === tagOf(head.epoch)) return true;
  return head.ancestors?.some((ancestor) => tagOf(ancestor.epoch) === epoch && ancestor.seqId >= seqId) ?? false;
}

/**
 * Returns the SeqId up to which the Timeline holds what it held in the epoch with the tag `epoch`. Of an epoch that it
 * does not know, be it older than its ancestors, all is taken to be there that is not beyond the end.
 */
export function keptThrough({ epoch: present, lastSeqId, ancestors = [] }: KnownHead, epoch: number): bigint {
  if (epoch === tagOf(present)) return lastSeqId;
  const kept = ancestors.filter((each) => tagOf(each.epoch) === epoch).map(({ seqId }) => seqId);
  return [lastSeqId, ...kept].reduce((least, each) => (each < least ? each : least));
}

/**
 * Returns the SeqId of a reader's position; 0n if there is none, or if it is of entries that the Timeline has lost. The
 * head may be older than the position.
 */
export function heldSeqId(head: KnownHead, position: Cursor | undefined): bigint {
  if (position === undefined) return 0n;
  return epochOf(position) === head.epoch || holdsCursor(head, position) ? seqIdOf(position) : 0n;
}

/** `true` if the Timeline still holds what it held at the cursor. */
export function holdsCursor(head: KnownHead, cursor: Cursor): boolean {
  return holds(head, { epoch: tagOf(epochOf(cursor)), seqId: seqIdOf(cursor) });
}
