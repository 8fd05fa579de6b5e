import { isTimelineError, TimelineError } from '../../src/index.js';
import { reasonOf } from '../../src/toolkit/index.js';

const named = (conversation: string) => JSON.stringify(conversation);

export const closedError = (): TimelineError =>
  new TimelineError('TIMELINE_CLOSED', 'the message sync is closed, and some inbox could not be reached');

export const failedError = (cause: unknown): TimelineError =>
  isTimelineError(cause)
    ? cause
    : new TimelineError('TIMELINE_UNAVAILABLE', `the fan-out failed: ${reasonOf(cause)}`, { cause, retryable: true });

/** The store acknowledged an entry and does not show it. */
export const invisibleError = (conversation: string, seqId: bigint): TimelineError =>
  new TimelineError('TIMELINE_UNAVAILABLE', `the store does not show entry ${seqId} of ${named(conversation)}`, {
    retryable: true,
  });

export const lostError = (conversation: string, lastSeqId: bigint): TimelineError =>
  new TimelineError('TIMELINE_ROLLED_BACK', `the store lost entries of ${named(conversation)} that it had taken`, {
    actual: lastSeqId,
  });

/** Entries were trimmed or expired before any inbox got them. */
export const truncatedError = (conversation: string, through: bigint): TimelineError =>
  new TimelineError(
    'TIMELINE_TRUNCATED',
    `entries of ${named(conversation)} up to ${through} were gone before they were delivered`,
    { through },
  );
