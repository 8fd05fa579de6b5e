import { isTimelineError, type Outcome, TimelineError } from '../../src/errors.js';

/** The service has not executed what it answers with these; the same request may succeed a little later. */
const PASSING = new Set([
  'OTSServerBusy',
  'OTSPartitionUnavailable',
  'OTSRowOperationConflict',
  'OTSTableNotReady',
  'OTSNotEnoughCapacityUnit',
  'OTSCapacityUnitExhausted',
  'OTSTooFrequentReservedThroughputAdjustment',
]);

/** It may have executed what it answers with these. */
const AMBIGUOUS = new Set(['OTSTimeout', 'OTSInternalServerError', 'OTSServerUnavailable', 'OTSRequestTimeout']);

/** What went wrong before anything was sent. */
const NEVER_SENT = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN/;

export type Failure = 'condition' | 'passing' | 'ambiguous' | 'missing' | 'exists' | 'refused';

/** A request, or one row of a batch, that failed. */
export class StoreError extends Error {
  constructor(
    readonly failure: Failure,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
    this.name = 'StoreError';
  }
}

/** A failure of one row, as the service names it. */
export function rowError(code: string, text: string): StoreError {
  return new StoreError(failureOf(code, text), `TableStore answered ${code}: ${text}`);
}

/**
 * A failure of a whole request, as the SDK throws it. It does not decode the service's error: the code is to be found in raw bytes that
 * it took for text.
 */
export function requestError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = /OTS[A-Za-z]+/.exec(message)?.[0];
  if (code !== undefined) {
    const text = textOf(message.slice(message.indexOf(code) + code.length));
    return new StoreError(failureOf(code, text), `TableStore answered ${code}: ${text}`, error);
  }
  const sent = !NEVER_SENT.test(`${message} ${(error as { errno?: unknown })?.errno ?? ''}`);
  return new StoreError(sent ? 'ambiguous' : 'passing', `TableStore cannot be reached: ${message}`, error);
}

const TEXT_TAG = '\x12';
const isAscii = (character: string | undefined) => character === undefined || character < '\x80';

/** The text of the error without the tag and the length before it; the length may look like a character of the text. */
function textOf(rest: string): string {
  let start = 0;
  if (rest.startsWith(TEXT_TAG)) {
    start = 1;
    // Bytes of the length but its last are no ASCII, and the last is.
    while (!isAscii(rest[start])) start++;
    start++;
  }
  return rest
    .slice(start)
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim();
}

function failureOf(code: string, text: string): Failure {
  if (code === 'OTSConditionCheckFail') return 'condition';
  if (code === 'OTSObjectAlreadyExist') return 'exists';
  // Reads of a missing table have been seen to answer either way.
  if (code === 'OTSObjectNotExist' || (code === 'OTSParameterInvalid' && text.includes('does not exist'))) return 'missing';
  if (PASSING.has(code) || (code === 'OTSQuotaExhausted' && text.includes('Too frequent'))) return 'passing';
  return AMBIGUOUS.has(code) ? 'ambiguous' : 'refused';
}

/** Of a read nothing is ever applied. */
export function toTimelineError(error: unknown, kind: 'read' | 'write'): TimelineError {
  if (isTimelineError(error)) return error;
  const { failure, message } = requestError(error);
  const passing = failure === 'passing' || failure === 'ambiguous';
  const code = /OTSServerBusy|OTSRowOperationConflict/.test(message) ? 'TIMELINE_BUSY' : 'TIMELINE_UNAVAILABLE';
  const outcome: Outcome = kind === 'write' && failure === 'ambiguous' ? 'unknown' : 'not-applied';
  return new TimelineError(code, message, { retryable: passing, outcome, cause: error });
}
