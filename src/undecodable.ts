import type { Body } from './adapter.js';
import type { Cursor, TimelineId } from './entry-types.js';
import type { TimelineError } from './errors.js';

/**
 * Handles an entry whose body does not decode. `'throw'` returns the entries before it, then throws `TIMELINE_DECODE`;
 * read on `after` the error's `cursor` (in reverse: `before` it) to skip it. `'skip'` leaves it out. A function's
 * result becomes its message.
 *
 * @example
 * ```ts
 * const onUndecodable = ({ seqId, error }: UndecodableEntry) => ({ unreadable: seqId, reason: error.message });
 * ```
 */
export type OnUndecodable<M> = 'throw' | 'skip' | ((entry: UndecodableEntry) => M);

/** An entry whose body does not decode. */
export interface UndecodableEntry {
  /** Id of the Timeline, as the caller gave it. */
  readonly timeline: TimelineId;
  /** SeqId of the entry. */
  readonly seqId: bigint;
  /** Position of the entry. */
  readonly cursor: Cursor;
  /** Idempotency key given to the append; absent if there was none. */
  readonly key?: string;
  /** Milliseconds since 1970. */
  readonly appendedAt: number;
  /** Number of updates. */
  readonly revision: number;
  /** Body as it is stored. */
  readonly body: Body;
  /** `TIMELINE_DECODE`, with the codec's error as `cause`. */
  readonly error: TimelineError;
  /** Plain data for JSON, with the SeqId as a decimal string. */
  toJSON(): unknown;
}

/** Option of a reading call. */
export interface Decoding<M> {
  /** Overrides `onUndecodable` of the store for this call. */
  readonly onUndecodable?: OnUndecodable<M> | undefined;
}
