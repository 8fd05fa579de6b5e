import { isTimelineError, TimelineError } from '../../../src/errors.js';

/** A COMMIT that failed: only SQLite's next recovery decides whether the transaction is there. */
export class CommitFailure {
  readonly cause: unknown;
  constructor(cause: unknown) {
    this.cause = cause;
  }
}

/** SQLite's result code (`'SQLITE_BUSY'`), extended or not; `''` for errors that are not SQLite's. */
export function sqliteCode(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : '';
}

export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED');
}

/** True if the failed COMMIT has left nothing: SQLite writes the frame that ends a transaction last. */
export function isRolledBack(error: unknown): boolean {
  const code = sqliteCode(error);
  return isBusy(error) || code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_WRITE';
}

export function busy(message: string, cause?: unknown): TimelineError {
  return new TimelineError('TIMELINE_BUSY', message, { retryable: true, cause });
}

/** Translates any failure of the driver to a {@link TimelineError}, which passes through itself. */
export function toTimelineError(error: unknown): TimelineError {
  if (isTimelineError(error)) return error;
  if (error instanceof CommitFailure) {
    const message = `SQLite could not finish a commit: ${messageOf(error.cause)}`;
    return new TimelineError('TIMELINE_OUTCOME_UNKNOWN', message, { outcome: 'unknown', cause: error.cause });
  }
  const code = sqliteCode(error);
  const text = messageOf(error);
  if (isBusy(error)) return busy(`the SQLite database stayed locked: ${text}`, error);
  if (code === 'SQLITE_FULL') return busy(`no room to write: ${text}`, error);
  if (code === 'SQLITE_TOOBIG')
    return new TimelineError('TIMELINE_TOO_LARGE', `SQLite refused a value: ${text}`, { cause: error });
  if (code.startsWith('SQLITE_READONLY')) {
    return new TimelineError('TIMELINE_UNSUPPORTED', `the SQLite database cannot be written: ${text}`, {
      cause: error,
    });
  }
  return new TimelineError('TIMELINE_UNAVAILABLE', `SQLite failed${code && ` (${code})`}: ${text}`, {
    cause: error,
    retryable: code.startsWith('SQLITE_IOERR') || code === 'SQLITE_NOMEM',
  });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
