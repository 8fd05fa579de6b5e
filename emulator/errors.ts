/** An error that the service reports: HTTP status, stable code, and the text that clients match. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export const parameterInvalid = (message: string) => new ServiceError(400, 'OTSParameterInvalid', message);
export const invalidKey = (message: string) => new ServiceError(400, 'OTSInvalidPK', message);
export const authFailed = (message: string) => new ServiceError(403, 'OTSAuthFailed', message);
export const conditionFailed = () => new ServiceError(403, 'OTSConditionCheckFail', 'Condition check failed.');
export const noSuchTable = () => new ServiceError(404, 'OTSObjectNotExist', 'Requested table does not exist.');
export const noSearchableTable = (name: string) => parameterInvalid(`table [${name}] does not exist`);
export const tableExists = () => new ServiceError(409, 'OTSObjectAlreadyExist', 'Requested table already exists.');
export const tableNotReady = () => new ServiceError(404, 'OTSTableNotReady', 'The table is not ready.');
export const quotaExhausted = (message: string) => new ServiceError(403, 'OTSQuotaExhausted', message);
export const rowConflict = () =>
  new ServiceError(409, 'OTSRowOperationConflict', 'Data is being modified by the other request.');
export const noSuchSession = () => new ServiceError(400, 'OTSSessionNotExist', 'Session not exist or may be timeout.');

export const bodyTooLarge = () =>
  new ServiceError(413, 'OTSRequestBodyTooLarge', 'The size of POST data is too large.');

/** Status and default text of the codes that a fault may use. */
const KNOWN: Readonly<Record<string, readonly [status: number, message: string]>> = {
  OTSAuthFailed: [403, 'Signature mismatch.'],
  OTSNoPermissionAccess: [403, 'You have no permission to access the requested resource.'],
  OTSParameterInvalid: [400, 'The parameter is invalid.'],
  OTSMethodNotAllowed: [405, 'Only POST method for requests is supported.'],
  OTSRequestBodyTooLarge: [413, 'The size of POST data is too large.'],
  OTSInvalidPK: [400, 'Validate PK fail.'],
  OTSOutOfRowSizeLimit: [400, 'The total data size of columns in one row exceeded the limit.'],
  OTSOutOfColumnCountLimit: [400, 'The number of columns in one row exceeded the limit.'],
  OTSObjectNotExist: [404, 'Requested table does not exist.'],
  OTSObjectAlreadyExist: [409, 'Requested table already exists.'],
  OTSMetaNotMatch: [400, 'The meta does not match.'],
  OTSSessionNotExist: [400, 'Session not exist or may be timeout.'],
  OTSSessionBusy: [400, 'Session is busy.'],
  OTSSessionExpired: [400, 'session expired'],
  OTSDataOutOfRange: [400, 'Data out of scope of transaction.'],
  OTSOutOfTransactionDataSizeLimit: [400, 'The total data size of the transaction exceeds the limit.'],
  OTSTooFrequentReservedThroughputAdjustment: [403, 'Capacity unit adjustment is too frequent.'],
  OTSCapacityUnitExhausted: [403, 'Remaining capacity unit is not enough.'],
  OTSServerBusy: [503, 'Server is busy.'],
  OTSTimeout: [503, 'Operation timeout.'],
  OTSPartitionUnavailable: [503, 'The partition is not available.'],
  OTSServerUnavailable: [503, 'Server is not available.'],
  OTSInternalServerError: [500, 'Internal server error.'],
  OTSTableNotReady: [404, 'The table is not ready.'],
  OTSRowOperationConflict: [409, 'Data is being modified by the other request.'],
  OTSNotEnoughCapacityUnit: [403, 'Remaining capacity unit is not enough.'],
  OTSQuotaExhausted: [403, 'Too frequent table operations.'],
  OTSRequestTimeout: [408, 'Request timeout.'],
  OTSConditionCheckFail: [403, 'Condition check failed.'],
};

export const ERROR_CODES: readonly string[] = Object.keys(KNOWN);

/** Returns the service's error for one of {@link ERROR_CODES}. */
export function errorOfCode(code: string): ServiceError {
  const [status, message] = KNOWN[code] ?? [500, 'Internal server error.'];
  return new ServiceError(status, code, message);
}
