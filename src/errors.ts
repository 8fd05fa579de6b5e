import { plain } from './json.js';

/** Stable error codes. Match on `error.code`: messages may change in any release, codes only in a major one. */
export type TimelineErrorCode =
  /** Invalid argument, or a message that fails the schema or cannot be encoded: `argument`; `issues` of the schema. */
  | 'TIMELINE_INVALID_ARGUMENT'
  /** Not a cursor of this library, or a cursor of another Timeline. */
  | 'TIMELINE_INVALID_CURSOR'
  /** A body, key, id or atomic batch exceeds `limit`. */
  | 'TIMELINE_TOO_LARGE'
  /** `expectedLast` or `seqId` does not fit the last SeqId, or `ifRevision` the revision: see `expected`, `actual`. */
  | 'TIMELINE_CONFLICT'
  /** The idempotency key belongs to another message, whose SeqId is `actual`. */
  | 'TIMELINE_KEY_CONFLICT'
  /** The entry to update was never appended, is deleted, trimmed or expired. */
  | 'TIMELINE_NOT_FOUND'
  /** The cursor belongs to an earlier epoch: its data were lost and started again. */
  | 'TIMELINE_EPOCH_CHANGED'
  /** The cursor lies beyond the tail (`actual`): the store returned to an earlier state. */
  | 'TIMELINE_ROLLED_BACK'
  /** Entries up to `through`, after the position of a scan or subscription, were trimmed or expired. */
  | 'TIMELINE_TRUNCATED'
  /** The caller's `authorize` refused the action; nothing was written. */
  | 'TIMELINE_FORBIDDEN'
  /** The adapter declares that it does not support this (`capability`). */
  | 'TIMELINE_UNSUPPORTED'
  /** The store stayed locked or full for longer than the adapter waits. */
  | 'TIMELINE_BUSY'
  /** The store cannot be reached, did not answer, or refused the request (`cause`). */
  | 'TIMELINE_UNAVAILABLE'
  /** The store may or may not have applied the write, and the library cannot safely repeat it. */
  | 'TIMELINE_OUTCOME_UNKNOWN'
  /** The body of entry `actual` does not decode. Read on `after` the error's `cursor` to skip it. */
  | 'TIMELINE_DECODE'
  /** The caller's AbortSignal fired. `name` is `AbortError`. */
  | 'TIMELINE_ABORTED'
  /** The store was closed. */
  | 'TIMELINE_CLOSED'
  /** The client library that the adapter needs is not installed. */
  | 'TIMELINE_MISSING_DRIVER';

/** Fate of the failed write. Always `not-applied` for reads. */
export type Outcome = 'not-applied' | 'applied' | 'unknown';

/** One finding of a schema. */
export interface Issue {
  /** Describes the problem. */
  readonly message: string;
  /** Path to the invalid part of the message. */
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}

/** Values that a caller needs to recover. Each is set where the {@link TimelineErrorCode} says so. */
export interface TimelineErrorDetails {
  /** True if the same call may succeed later. Default false. */
  readonly retryable?: boolean | undefined;
  /** Fate of the write. Default `not-applied`. */
  readonly outcome?: Outcome | undefined;
  /** Error of the store, codec or schema. */
  readonly cause?: unknown;
  /** Name of the invalid argument. */
  readonly argument?: string | undefined;
  /** Encoded id of the Timeline. */
  readonly timeline?: string | undefined;
  /** SeqId, revision or setting that the caller asked for. */
  readonly expected?: bigint | number | undefined;
  /** SeqId, revision or setting that is stored. */
  readonly actual?: bigint | number | undefined;
  /** SeqId up to which entries were trimmed or have expired. */
  readonly through?: bigint | undefined;
  /** Largest allowed size, in bytes or entries. */
  readonly limit?: number | undefined;
  /** Name of the missing capability. */
  readonly capability?: string | undefined;
  /** Findings of the schema. */
  readonly issues?: readonly Issue[] | undefined;
  /** Position of the entry that does not decode. */
  readonly cursor?: string | undefined;
}

const BRAND = Symbol.for('timeline-model.TimelineError');

/**
 * The only error class of this package. `instanceof` and {@link isTimelineError} hold across copies of the package (ESM
 * and CJS, two versions), because both check a registered symbol instead of the prototype.
 *
 * @example
 * ```ts
 * try {
 *   await timeline.append(message, { expectedLast });
 * } catch (error) {
 *   if (!isTimelineError(error) || error.code !== 'TIMELINE_CONFLICT') throw error;
 *   merge(error.actual);
 * }
 * ```
 */
export class TimelineError extends Error {
  /** Stable code to match on. */
  readonly code: TimelineErrorCode;
  /** True if the same call may succeed later. */
  readonly retryable: boolean;
  /** Fate of the write. */
  readonly outcome: Outcome;
  /** Name of the invalid argument. */
  declare readonly argument?: string;
  /** Encoded id of the Timeline. */
  declare readonly timeline?: string;
  /** SeqId, revision or setting that the caller asked for. */
  declare readonly expected?: bigint | number;
  /** SeqId, revision or setting that is stored. */
  declare readonly actual?: bigint | number;
  /** SeqId up to which entries were trimmed or have expired. */
  declare readonly through?: bigint;
  /** Largest allowed size, in bytes or entries. */
  declare readonly limit?: number;
  /** Name of the missing capability. */
  declare readonly capability?: string;
  /** Findings of the schema. */
  declare readonly issues?: readonly Issue[];
  /** Position of the entry that does not decode. */
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

  /** Plain data for JSON, with SeqIds as decimal strings and the `cause` as its message. */
  toJSON(): unknown {
    const { name, code, message, cause, issues, ...details } = this;
    return plain({
      ...{ name, code, message, ...details },
      ...(issues && { issues: issues.map(plainIssue) }),
      ...(cause !== undefined && { cause: reasonOf(cause) }),
    });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isTimelineError(value);
  }
}

/** A schema's findings may hold the value that it refused, of any shape. */
function plainIssue({ message, path }: Issue): unknown {
  const segments = path?.map((segment) => String(typeof segment === 'object' ? segment.key : segment));
  return { message, path: segments };
}

/** Returns true for errors of this package, even those of another copy or entry point. */
export function isTimelineError(value: unknown): value is TimelineError {
  return typeof value === 'object' && value !== null && BRAND in value;
}

/** Returns a `TIMELINE_INVALID_ARGUMENT` error: the argument's name, followed by the problem. */
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
