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

/** `true` if the Timeline still holds what it held at the position: no restore or failover has taken it back. */
export function holds(head: Pick<Head, 'epoch' | 'lastSeqId' | 'ancestors'>, position: TaggedPosition): boolean {
  const { epoch, seqId } = position;
  if (seqId === 0n) return true;
  if (seqId > head.lastSeqId) return false;
  if (epoch === tagOf(head.epoch)) return true;
  return head.ancestors?.some((ancestor) => tagOf(ancestor.epoch) === epoch && ancestor.seqId >= seqId) ?? false;
}

/**
 * Returns the SeqId of a reader's position; 0n if there is none, or if it is of entries that the Timeline has lost. The
 * head may be older than the position.
 */
export function heldSeqId(head: Pick<Head, 'epoch' | 'lastSeqId' | 'ancestors'>, position: Cursor | undefined): bigint {
  if (position === undefined) return 0n;
  return epochOf(position) === head.epoch || holdsCursor(head, position) ? seqIdOf(position) : 0n;
}

/** `true` if the Timeline still holds what it held at the cursor. */
export function holdsCursor(head: Pick<Head, 'epoch' | 'lastSeqId' | 'ancestors'>, cursor: Cursor): boolean {
  return holds(head, { epoch: tagOf(epochOf(cursor)), seqId: seqIdOf(cursor) });
}
