import type { CheckpointKey, Position } from '../adapter.js';
import { otherEpoch } from './contract-errors.js';

/**
 * Decides one item of `AdapterCheckpoints.advance` for an adapter that holds the stored position still meanwhile: by a
 * transaction, a lock or a compare-and-set.
 *
 * @param stored The position that the store holds for this reader now.
 * @returns `wanted` itself if it lies further on: store it. Otherwise `stored`: there is nothing to write.
 * @throws `TIMELINE_EPOCH_CHANGED` if the stored position is of another epoch; only `reset` replaces that.
 *
 * @example
 * const position = furtherPosition(item, stored, { epoch: item.epoch, seqId: item.seqId });
 * if (position !== stored) put(item, position);
 */
export function furtherPosition(key: CheckpointKey, stored: Position | undefined, wanted: Position): Position {
  if (!stored) return wanted;
  if (stored.epoch !== wanted.epoch) throw otherEpoch(key, stored);
  return stored.seqId >= wanted.seqId ? stored : wanted;
}
