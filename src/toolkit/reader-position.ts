import type { CheckpointKey, Position } from '../adapter.js';
import { droppedSince, otherEpoch } from './contract-errors.js';

/**
 * Decides one item of `AdapterCheckpoints.advance` for an adapter that holds the stored position still meanwhile: by a
 * transaction, a lock or a compare-and-set.
 *
 * @param stored The position that the store holds for this reader now.
 * @param present The Timeline's epoch, if it was ever dropped: a position of an earlier epoch is refused then.
 * @returns `wanted` itself if it lies further on: store it. Otherwise `stored`: there is nothing to write.
 * @throws `TIMELINE_EPOCH_CHANGED` if the stored position is of another epoch, which only `reset` replaces, or if the
 *   Timeline was dropped since the wanted one.
 *
 * @example
 * const position = furtherPosition(item, stored, { epoch: item.epoch, seqId: item.seqId });
 * if (position !== stored) put(item, position);
 */
export function furtherPosition(
  key: CheckpointKey,
  stored: Position | undefined,
  wanted: Position,
  present?: string | undefined,
): Position {
  if (present !== undefined && wanted.epoch !== present) throw droppedSince(key, stored);
  if (!stored) return wanted;
  if (stored.epoch !== wanted.epoch) throw otherEpoch(key, stored);
  return stored.seqId >= wanted.seqId ? stored : wanted;
}
