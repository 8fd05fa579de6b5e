import type { CheckpointKey, Position } from '../adapter.js';
import { TimelineError } from '../errors.js';

/** `TIMELINE_KEY_CONFLICT`: the key was used for another message. `actual`: the SeqId of the entry that has it. */
export function keyConflict(timeline: string, key: string | undefined, first: bigint): TimelineError {
  const message = `the key ${JSON.stringify(key)} was used for another message, entry ${first}`;
  return new TimelineError('TIMELINE_KEY_CONFLICT', message, { timeline, actual: first });
}

/** `TIMELINE_CONFLICT`: the SeqId that the caller chose is not above the last one, or above 2^63 - 1. */
export function seqIdConflict(
  timeline: string,
  ids: { readonly chosen: bigint; readonly last: bigint },
): TimelineError {
  const { chosen, last } = ids;
  const message = `SeqId ${chosen} does not follow ${last}, the last one`;
  return new TimelineError('TIMELINE_CONFLICT', message, { timeline, expected: chosen, actual: last });
}

/** `TIMELINE_CONFLICT`: the Timeline's last SeqId is not the write's `expectedLast`. */
export function lastSeqIdConflict(
  timeline: string,
  ids: { readonly expected: bigint; readonly last: bigint },
): TimelineError {
  const { expected, last } = ids;
  const message = `expected ${expected} to be the last SeqId; it is ${last}`;
  return new TimelineError('TIMELINE_CONFLICT', message, { timeline, expected, actual: last });
}

/** `TIMELINE_NOT_FOUND`: the entry to update is missing, deleted, trimmed or expired. `actual`: its SeqId. */
export function entryNotFound(timeline: string, seqId: bigint): TimelineError {
  const message = `there is no entry ${seqId} to update`;
  return new TimelineError('TIMELINE_NOT_FOUND', message, { timeline, actual: seqId });
}

/** `TIMELINE_CONFLICT`: the entry's revision is not the update's `ifRevision`. */
export function revisionConflict(
  timeline: string,
  seqId: bigint,
  revisions: { readonly expected: number | undefined; readonly actual: number },
): TimelineError {
  const { expected, actual } = revisions;
  const message = `entry ${seqId} has revision ${actual}, not ${expected}`;
  return new TimelineError('TIMELINE_CONFLICT', message, { timeline, expected, actual });
}

/**
 * `TIMELINE_EPOCH_CHANGED`: the stored position is of another epoch than the one to advance to. `actual`: its SeqId.
 */
export function otherEpoch({ timeline, reader }: CheckpointKey, stored: Position): TimelineError {
  const message = `the checkpoint of ${JSON.stringify(reader)} is of another epoch; reset it`;
  return new TimelineError('TIMELINE_EPOCH_CHANGED', message, { timeline, actual: stored.seqId });
}

/**
 * `TIMELINE_EPOCH_CHANGED`: the Timeline was dropped since the position to advance to was taken. `actual`: the stored
 * SeqId.
 */
export function droppedSince({ timeline, reader }: CheckpointKey, stored: Position | undefined): TimelineError {
  const message = `the Timeline was dropped since this position of ${JSON.stringify(reader)}`;
  return new TimelineError('TIMELINE_EPOCH_CHANGED', message, { timeline, actual: stored?.seqId ?? 0n });
}
