import { TimelineError } from '../../src/index.js';
import { reasonOf } from '../../src/toolkit/index.js';

const named = (conversation: string) => JSON.stringify(conversation);

/** Another process delivers the entry. `cause`: the failure that this one could not repeat any more. */
export const closedError = (cause?: unknown): TimelineError => {
  const reason = cause === undefined ? 'some inbox could not be reached' : reasonOf(cause);
  const message = `the message sync was closed before all was delivered: ${reason}`;
  return new TimelineError('TIMELINE_CLOSED', message, { cause });
};

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

/** The conversation does not hold any more what this process has read of it. */
export function rolledBackError(conversation: string, seqId: bigint): TimelineError {
  const message = `${JSON.stringify(conversation)} does not hold entry ${seqId} any more: the store was rolled back`;
  return new TimelineError('TIMELINE_ROLLED_BACK', message, { timeline: conversation });
}
