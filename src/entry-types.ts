import type { TimelineError } from './errors.js';

/**
 * Names a Timeline within its library: a string or an integer, or an array of one to three of them. At most 512 bytes
 * of UTF-8 in all, and not empty. `'a'` and `['a']` name the same Timeline; `1` and `'1'` do not.
 *
 * @example
 * ```ts
 * store.timeline('group:42');
 * store.timeline(['tenant-7', 'group', 42]);
 * ```
 */
export type TimelineId = TimelineIdPart | readonly TimelineIdPart[];

/** A string, or an integer within ±2^63; a `number` must be a safe integer. `1` and `1n` are the same part. */
export type TimelineIdPart = string | number | bigint;

/**
 * A position in one Timeline: an opaque string, safe to store anywhere. Unlike a bare SeqId, a cursor carries its
 * Timeline and the epoch of the data, so a reader learns of lost data (law Epoch).
 */
export type Cursor = string;

/** A SeqId as an argument: a bigint, or a decimal string as in JSON. Results hold bigints. */
export type SeqIdLike = bigint | string;

/**
 * `T` as an argument: a property that may be left out may also be `null`, which means the same. Values from JSON need
 * no conversion.
 */
export type Nullable<T> = { readonly [K in keyof T]: object extends Pick<T, K> ? T[K] | null : T[K] };

/** Options of a call that can be aborted. */
export interface Abortable {
  /**
   * Ends the wait with `TIMELINE_ABORTED`. A write already handed to the store may still be applied; the error's
   * `outcome` says so.
   */
  readonly signal?: AbortSignal | undefined;
}

/** A range of a Timeline. Both bounds are exclusive, and each is a cursor or a bare SeqId; digits alone are a SeqId. */
export interface ReadRange {
  /** Default: the oldest kept entry comes first. `TIMELINE_ROLLED_BACK` if it lies beyond the tail. */
  readonly after?: Cursor | SeqIdLike | undefined;
  /** Default: read up to the newest entry. A bare SeqId may lie beyond the tail. */
  readonly before?: Cursor | SeqIdLike | undefined;
  /** Maximum number of entries; a page never holds more than 10,000. Default 100. */
  readonly limit?: number | undefined;
  /** Reads the newest entry first; continue with `before: page.next`. Default false. */
  readonly reverse?: boolean | undefined;
}

/** A stored message with its position. */
export interface TimelineEntry<M> {
  /** Id of the Timeline, as the caller gave it. */
  readonly timeline: TimelineId;
  /** Unique in the Timeline, and larger than every earlier SeqId. */
  readonly seqId: bigint;
  /** Position of this entry; reading `after` it starts at the next one. */
  readonly cursor: Cursor;
  /** The message; `undefined` at run time if `deleted`, so check that first where entries are deleted. */
  readonly message: M;
  /** Idempotency key given to the append; absent if there was none. */
  readonly key?: string;
  /** Milliseconds since 1970; never decreases along a Timeline. */
  readonly appendedAt: number;
  /** Number of updates and deletions of this entry; 0 as appended. */
  readonly revision: number;
  /** True for a tombstone, which keeps the position and the SeqId. */
  readonly deleted: boolean;
  /** Plain data for JSON, with the SeqId as a decimal string. */
  toJSON(): unknown;
}

/** One page of a read. */
export interface Page<M> {
  /** Entries in read order. */
  readonly entries: TimelineEntry<M>[];
  /**
   * Continue `after` this cursor (in reverse: `before` it). An empty page returns the cursor it was given, unless it
   * skipped entries.
   */
  readonly next: Cursor;
  /** True if nothing of the range lies beyond this page. A short page alone does not mean that. */
  readonly upToDate: boolean;
  /**
   * Head of the Timeline, which agrees with the page. On TableStore an end that the page does not reach may be up to a
   * minute old; `timeline.head()` is that of the call.
   */
  readonly head: Head;
  /** Set if entries after the given `after`, up to `through`, were trimmed or have expired. */
  readonly truncated?: { readonly through: bigint; toJSON(): unknown };
  /** Set by `readBatch` only: the entry after the last one here does not decode, so the page ends before it. */
  readonly error?: TimelineError;
}

/** First and last SeqId of a Timeline, read without bodies. */
export interface Head {
  /** Id of the Timeline, as the caller gave it. */
  readonly timeline: TimelineId;
  /** Random id of one life of the Timeline's data; `''` before the first entry. */
  readonly epoch: string;
  /** SeqId of the oldest kept entry; `lastSeqId + 1n` if none is kept. */
  readonly firstSeqId: bigint;
  /** High-water mark: never decreases. `0n` if nothing was ever appended. */
  readonly lastSeqId: bigint;
  /**
   * Earlier epochs, each with the last SeqId up to which the Timeline is the same as then: positions up to there stay
   * valid. Absent if there are none.
   */
  readonly ancestors?: readonly { readonly epoch: string; readonly seqId: bigint }[];
  /** Plain data for JSON, with the SeqIds as decimal strings. */
  toJSON(): unknown;
}
