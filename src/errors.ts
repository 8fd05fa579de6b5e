/** Stable codes. Match on `error.code`; messages may change between releases, codes do not within a major. */
export type TimelineErrorCode =
  /** An argument, or a message that fails the schema or cannot be encoded. `argument` names it, `issues` lists schema findings. */
  | 'TIMELINE_INVALID_ARGUMENT'
  /** Not a cursor of this library, or a cursor of another Timeline. */
  | 'TIMELINE_INVALID_CURSOR'
  /** A body, key, id or atomic batch above `limit`. */
  | 'TIMELINE_TOO_LARGE'
  /** `expectedLast` or a manual `seqId` did not fit: see `expected` and `actual` (the Timeline's last SeqId), or `ifRevision` did not. */
  | 'TIMELINE_CONFLICT'
  /** The idempotency key was used before for another message. `actual` is the SeqId of the first. */
  | 'TIMELINE_KEY_CONFLICT'
  /** The entry to update was never there, is deleted, trimmed or expired. */
  | 'TIMELINE_NOT_FOUND'
  /** The cursor belongs to an earlier life of the data: what it points into was lost and started again. */
  | 'TIMELINE_EPOCH_CHANGED'
  /** The cursor lies beyond the tail (`actual`): the store went back to an earlier state. */
  | 'TIMELINE_ROLLED_BACK'
  /** Entries up to `through`, after the position of a scan or subscription, were trimmed or expired. */
  | 'TIMELINE_TRUNCATED'
  /** The adapter declares that it cannot do this (`capability`). */
  | 'TIMELINE_UNSUPPORTED'
  /** The store stayed locked or full for longer than the adapter waits. */
  | 'TIMELINE_BUSY'
  /** The store cannot be reached or refused the request for a reason of its own (`cause`). */
  | 'TIMELINE_UNAVAILABLE'
  /** The store may or may not have taken the write, and nothing safe was left to try. */
  | 'TIMELINE_OUTCOME_UNKNOWN'
  /** A stored body could not be decoded: that of the entry `actual`. `cursor` is its place; reading on `after` it passes it by. */
  | 'TIMELINE_DECODE'
  /** The caller's AbortSignal fired. The error's `name` is `AbortError`. */
  | 'TIMELINE_ABORTED'
  /** The store was closed. */
  | 'TIMELINE_CLOSED'
  /** The client library that the adapter needs is not installed. */
  | 'TIMELINE_MISSING_DRIVER';

/** The fate of the write that failed. Reads are always `not-applied`. */
export type Outcome = 'not-applied' | 'applied' | 'unknown';

/** One finding of a schema: what is wrong, and where in the message. */
export interface Issue {
  readonly message: string;
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}

/** The numbers and names that a caller needs to recover; each is present where its code says so. */
export interface TimelineErrorDetails {
  /** May the same call succeed if repeated as it is? Default: false. */
  readonly retryable?: boolean | undefined;
  /** Default: `not-applied`. */
  readonly outcome?: Outcome | undefined;
  readonly cause?: unknown;
  readonly argument?: string | undefined;
  readonly timeline?: string | undefined;
  readonly expected?: bigint | number | undefined;
  readonly actual?: bigint | number | undefined;
  readonly through?: bigint | undefined;
  readonly limit?: number | undefined;
  readonly capability?: string | undefined;
  readonly issues?: readonly Issue[] | undefined;
  readonly cursor?: string | undefined;
}

const BRAND = Symbol.for('timeline-model.TimelineError');

/**
 * The only error class of this package. `instanceof` and {@link isTimelineError} also hold between two copies of
 * the package (ESM and CJS, two versions), because both look at a registered symbol and not at the prototype.
 */
export class TimelineError extends Error {
  readonly code: TimelineErrorCode;
  readonly retryable: boolean;
  readonly outcome: Outcome;
  declare readonly argument?: string;
  declare readonly timeline?: string;
  declare readonly expected?: bigint | number;
  declare readonly actual?: bigint | number;
  declare readonly through?: bigint;
  declare readonly limit?: number;
  declare readonly capability?: string;
  declare readonly issues?: readonly Issue[];
  declare readonly cursor?: string;

  constructor(code: TimelineErrorCode, message: string, details: TimelineErrorDetails = {}) {
    const { retryable = false, outcome = 'not-applied', cause, ...rest } = details;
    super(message, cause === undefined ? undefined : { cause });
    this.name = code === 'TIMELINE_ABORTED' ? 'AbortError' : 'TimelineError';
    this.code = code;
    this.retryable = retryable;
    this.outcome = outcome;
    for (const [name, value] of Object.entries(rest)) {
      if (value !== undefined) Object.defineProperty(this, name, { value, enumerable: true });
    }
    Object.defineProperty(this, BRAND, { value: true });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isTimelineError(value);
  }
}

/** True for errors of this package, whichever copy or entry point made them. */
export function isTimelineError(value: unknown): value is TimelineError {
  return typeof value === 'object' && value !== null && BRAND in value;
}

/** Shorthand for the most frequent error: which argument, and what was wrong with it. */
export function invalidArgument(argument: string, problem: string, details: TimelineErrorDetails = {}): TimelineError {
  return new TimelineError('TIMELINE_INVALID_ARGUMENT', `${argument} ${problem}`, { ...details, argument });
}

/** Returns the message of an error, or a text for anything else that was thrown. Never throws. */
export function reasonOf(thrown: unknown): string {
  try {
    const message: unknown = (thrown as Error | null | undefined)?.message;
    return typeof message === 'string' ? message : String(thrown);
  } catch {
    return 'no reason given';
  }
}
