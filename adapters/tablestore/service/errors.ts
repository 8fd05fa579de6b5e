import { isTimelineError, type Outcome, TimelineError } from '../../../src/errors.js';

/** The service asks for fewer requests. It has not executed what it answers with these. */
const THROTTLED = new Set([
  'OTSServerBusy',
  'OTSNotEnoughCapacityUnit',
  'OTSCapacityUnitExhausted',
  'OTSTooFrequentReservedThroughputAdjustment',
]);

/** It has not executed these either; the same request may succeed a little later. */
const PASSING = new Set(['OTSPartitionUnavailable', 'OTSRowOperationConflict', 'OTSTableNotReady']);

/** It may have executed what it answers with these. */
const AMBIGUOUS = new Set(['OTSTimeout', 'OTSInternalServerError', 'OTSServerUnavailable', 'OTSRequestTimeout']);

/** Nothing was sent, and it may be in a moment. */
const NEVER_SENT = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH/;
/** Nothing was sent, and it will not be before something is configured otherwise. */
const NOT_TRUSTED = /EPROTO|ERR_TLS|ERR_SSL|CERT_|_CERT|self.signed certificate/;

export type Failure = 'condition' | 'throttled' | 'passing' | 'ambiguous' | 'missing' | 'exists' | 'refused';

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

  /** The same request may succeed if it is sent again. */
  get isPassing(): boolean {
    return this.failure === 'passing' || this.failure === 'throttled' || this.failure === 'ambiguous';
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
  const { code: named, errno } = (error ?? {}) as { readonly code?: unknown; readonly errno?: unknown };
  const told = `${message} ${named ?? ''} ${errno ?? ''}`;
  const failure = failureBefore(told, named, error);
  const where = failure === 'refused' ? 'The request to TableStore failed' : 'TableStore cannot be reached';
  return new StoreError(failure, `${where}: ${message}`, error);
}

/** Of a request without an answer of the service. */
function failureBefore(told: string, code: unknown, error: unknown): Failure {
  if (NEVER_SENT.test(told)) return 'passing';
  // The SDK could not build the request.
  if (NOT_TRUSTED.test(told) || error instanceof TypeError || error instanceof RangeError) return 'refused';
  if (code === 429) return 'throttled';
  const isStatus = typeof code === 'number' && code >= 400 && code < 500 && code !== 408;
  return isStatus || code === 'Forbidden' || code === 'BadRequest' ? 'refused' : 'ambiguous';
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
  if (code === 'OTSObjectNotExist' || (code === 'OTSParameterInvalid' && text.includes('does not exist')))
    return 'missing';
  if (THROTTLED.has(code) || (code === 'OTSQuotaExhausted' && text.includes('Too frequent'))) return 'throttled';
  if (PASSING.has(code)) return 'passing';
  return AMBIGUOUS.has(code) ? 'ambiguous' : 'refused';
}

/** Of a read nothing is ever applied. */
export function toTimelineError(error: unknown, kind: 'read' | 'write'): TimelineError {
  if (isTimelineError(error)) return error;
  const { failure, isPassing, message } = requestError(error);
  const outcome: Outcome = kind === 'write' && failure === 'ambiguous' ? 'unknown' : 'not-applied';
  if (outcome === 'unknown') return new TimelineError('TIMELINE_OUTCOME_UNKNOWN', message, { outcome, cause: error });
  const code =
    failure === 'throttled' || message.includes('OTSRowOperationConflict') ? 'TIMELINE_BUSY' : 'TIMELINE_UNAVAILABLE';
  if (failure !== 'missing') return new TimelineError(code, message, { retryable: isPassing, outcome, cause: error });
  const gone = `${message} (a table of this library was deleted: opening the library again makes it)`;
  return new TimelineError(code, gone, { retryable: true, outcome, cause: error });
}

/** A table that was there is not there. */
export function isMissing(error: unknown): boolean {
  return causeOf(error).failure === 'missing';
}

/** The answer of the service, or what stood for one, behind an error of either kind. */
export function causeOf(error: unknown): StoreError {
  if (!isTimelineError(error)) return requestError(error);
  if (error.cause instanceof StoreError) return error.cause;
  return new StoreError(error.retryable ? 'passing' : 'refused', error.message, error);
}
