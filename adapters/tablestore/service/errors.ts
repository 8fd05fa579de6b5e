import { isTimelineError, type Outcome, TimelineError } from '../../../src/errors.js';

/** The service asks for less load. It has not executed the request. */
const THROTTLED = new Set([
  'OTSServerBusy',
  'OTSNotEnoughCapacityUnit',
  'OTSCapacityUnitExhausted',
  'OTSTooFrequentReservedThroughputAdjustment',
]);

/** The service has not executed the request; the same request may succeed a little later. */
const TRANSIENT = new Set(['OTSPartitionUnavailable', 'OTSRowOperationConflict', 'OTSTableNotReady']);

/** The service may have executed the request. */
const AMBIGUOUS = new Set(['OTSTimeout', 'OTSInternalServerError', 'OTSServerUnavailable', 'OTSRequestTimeout']);

/** Nothing was sent; the next attempt may succeed. */
const NEVER_SENT = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH/;
/** Nothing was sent, nor will be until the configuration changes. */
const NOT_TRUSTED = /EPROTO|ERR_TLS|ERR_SSL|CERT_|_CERT|self.signed certificate/;

export type Failure = 'condition' | 'throttled' | 'transient' | 'ambiguous' | 'missing' | 'exists' | 'refused';

/** Failure of a request or of one row of a batch. */
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
  get isTransient(): boolean {
    return this.failure === 'transient' || this.failure === 'throttled' || this.failure === 'ambiguous';
  }
}

/** The failure of one row of a batch. */
export function rowError(row: {
  readonly errorCode?: string | null;
  readonly errorMessage?: string | null;
}): StoreError {
  return answered(row.errorCode ?? '', row.errorMessage ?? '');
}

function answered(code: string, text: string, cause?: unknown): StoreError {
  return new StoreError(failureOf(code, text), `TableStore answered ${code}: ${text}`, cause);
}

/**
 * The failure of a whole request, from the error that the SDK threw. The SDK does not decode the service's error: its
 * message holds the raw protobuf bytes, among them the code.
 */
export function requestError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = /OTS[A-Za-z]+/.exec(message)?.[0];
  if (code !== undefined) {
    return answered(code, textOf(message.slice(message.indexOf(code) + code.length)), error);
  }
  const { code: named, errno } = (error ?? {}) as { readonly code?: unknown; readonly errno?: unknown };
  const told = `${message} ${named ?? ''} ${errno ?? ''}`;
  const failure = failureWithoutAnswer(told, named, error);
  const where = failure === 'refused' ? 'The request to TableStore failed' : 'TableStore cannot be reached';
  return new StoreError(failure, `${where}: ${message}`, error);
}

/** The failure of a request that the service did not answer. */
function failureWithoutAnswer(told: string, code: unknown, error: unknown): Failure {
  if (NEVER_SENT.test(told)) return 'transient';
  // The SDK could not build the request.
  if (NOT_TRUSTED.test(told) || error instanceof TypeError || error instanceof RangeError) return 'refused';
  if (code === 429) return 'throttled';
  const isStatus = typeof code === 'number' && code >= 400 && code < 500 && code !== 408;
  return isStatus || code === 'Forbidden' || code === 'BadRequest' ? 'refused' : 'ambiguous';
}

const TEXT_TAG = '\x12';
const isAscii = (character: string | undefined) => character === undefined || character < '\x80';

/** Cuts the protobuf tag and length off the message. The length may look like a character of the text. */
function textOf(rest: string): string {
  let start = 0;
  if (rest.startsWith(TEXT_TAG)) {
    start = 1;
    // In a varint only the last byte is ASCII.
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
  if (TRANSIENT.has(code)) return 'transient';
  return AMBIGUOUS.has(code) ? 'ambiguous' : 'refused';
}

/** Converts any error into a `TimelineError`. The outcome of a read is always `not-applied`. */
export function toTimelineError(error: unknown, kind: 'read' | 'write'): TimelineError {
  if (isTimelineError(error)) return error;
  const { failure, isTransient, message } = requestError(error);
  const outcome: Outcome = kind === 'write' && failure === 'ambiguous' ? 'unknown' : 'not-applied';
  if (outcome === 'unknown') return new TimelineError('TIMELINE_OUTCOME_UNKNOWN', message, { outcome, cause: error });
  const code =
    failure === 'throttled' || message.includes('OTSRowOperationConflict') ? 'TIMELINE_BUSY' : 'TIMELINE_UNAVAILABLE';
  if (failure !== 'missing') return new TimelineError(code, message, { retryable: isTransient, outcome, cause: error });
  const gone = `${message} (a table of this library was deleted: opening the library again makes it)`;
  return new TimelineError(code, gone, { retryable: true, outcome, cause: error });
}

/** True if the service answered that a table does not exist. */
export function isTableMissing(error: unknown): boolean {
  return causeOf(error).failure === 'missing';
}

/** The `StoreError` behind an error of either kind. */
export function causeOf(error: unknown): StoreError {
  if (!isTimelineError(error)) return requestError(error);
  if (error.cause instanceof StoreError) return error.cause;
  return new StoreError(error.retryable ? 'transient' : 'refused', error.message, error);
}
