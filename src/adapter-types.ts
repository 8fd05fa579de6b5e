import type { TimelineError } from './errors.js';

/** Part of a Timeline that a trim removes: up to a SeqId, or all but the newest entries. */
export type Cut =
  | {
      /** SeqId of the last entry to remove. */
      readonly through: bigint;
    }
  | {
      /** Number of newest entries to keep. */
      readonly keepLast: number;
    };

/** A range of encoded Timeline ids. */
export interface ListingRange {
  /** Text that each id starts with; `''` matches all. */
  readonly prefix: string;
  /** Id that the first one follows; absent: start at the first. */
  readonly after?: string;
  /** Maximum number of ids. */
  readonly limit: number;
}

/** An encoded message. A body is read back in the type it was written in. */
export type Body = string | Uint8Array;

/** A body to store. Entries that refer to the same object share one body. */
export interface Payload {
  /** Encoded message. */
  readonly body: Body;
  /** Digest that identifies the message: 1 to 64 ASCII characters. Present if any entry of this payload has a key. */
  readonly hash?: string | undefined;
  /** True if several writes of this call use the payload: store it once where that is cheaper. */
  readonly shared: boolean;
}

/** An append to one Timeline, all or nothing. */
export interface Write {
  /** Encoded Timeline id. */
  readonly timeline: string;
  /** 1 to `capabilities.atomicBatch` entries. */
  readonly entries: readonly WriteEntry[];
  /** Append only if this is the Timeline's last SeqId. */
  readonly expectedLast?: bigint | undefined;
}

/** One entry to append. */
export interface WriteEntry {
  /** Body and digest. */
  readonly payload: Payload;
  /** Idempotency key; absent if the caller gave none. */
  readonly key?: string | undefined;
  /** SeqId chosen by the caller; must exceed the Timeline's last one. Absent: the adapter takes the next. */
  readonly seqId?: bigint | undefined;
}

/** Outcome of one write. */
export type WriteOutcome =
  | {
      /** The write was applied, or its keys were known. */
      readonly ok: true;
      /** Epoch of the data. */
      readonly epoch: string;
      /** Outcomes of its entries, in their order. */
      readonly entries: readonly Appended[];
    }
  | {
      /** The write failed as a whole. */
      readonly ok: false;
      /** Reason; its `outcome` says whether the write may have been applied. */
      readonly error: TimelineError;
    };

/** Outcome of one entry. */
export interface Appended {
  /** SeqId of the new entry, or of the first one with the key. */
  readonly seqId: bigint;
  /** True if the key was known and nothing was written. */
  readonly duplicate: boolean;
}

/** A range to read. Both bounds are exclusive. */
export interface Range {
  /** Encoded Timeline id. */
  readonly timeline: string;
  /** Absent: start at the oldest kept entry. */
  readonly after?: bigint | undefined;
  /** Absent: read up to the newest entry. */
  readonly before?: bigint | undefined;
  /** Maximum number of rows, 1 to 10,000. An adapter may return fewer, but at least one if there is one. */
  readonly limit: number;
  /** Return the newest row first. */
  readonly reverse: boolean;
  /** A SeqId that the Timeline once reached, by the cursor in `before`. See {@link Slice}. */
  readonly reached?: bigint | undefined;
  /** True if the caller uses only the rows and the epoch of the slice. */
  readonly rowsOnly?: boolean | undefined;
}

/** A range whose entries are counted. Both bounds are exclusive. */
export interface CountRange {
  /** Encoded Timeline id. */
  readonly timeline: string;
  /** Absent: start at the oldest kept entry. */
  readonly after?: bigint | undefined;
  /** Absent: count up to the newest entry. */
  readonly before?: bigint | undefined;
  /** Stop at this number of entries, 1 or more; 2^53 - 1 if the caller gave none. */
  readonly atMost: number;
  /** As in {@link Range}. */
  readonly reached?: bigint | undefined;
}

/** First and last SeqId of a Timeline. */
export interface AdapterHead {
  /** Random id of one life of the data: 1 to 64 letters, digits, `-` or `_`; may be `''` before the first entry. */
  readonly epoch: string;
  /** SeqId of the oldest entry that readers still get; `lastSeqId + 1n` if there is none. */
  readonly firstSeqId: bigint;
  /** High-water mark: never decreases, whatever is deleted, trimmed or expired. `0n` if nothing was ever appended. */
  readonly lastSeqId: bigint;
  /**
   * Earlier epochs, each with the last SeqId whose entry is unchanged: positions up to there stay valid. For stores
   * that begin a new epoch whenever data may have been lost, and cannot know whether any were.
   */
  readonly ancestors?: readonly Position[] | undefined;
}

/**
 * Rows of a range, with the head from the same moment.
 *
 * A store that has to ask for the head apart from the rows may give the one of an earlier moment, a minute old at most,
 * as long as it agrees with the slice: all rows lie within it, `firstSeqId` is above `truncatedThrough`, an end of the
 * Timeline that the slice reaches is exact, and `lastSeqId` is below `after` or `reached` only if the tail is so now.
 */
export interface Slice extends AdapterHead {
  /** Rows in read order. */
  readonly rows: readonly Row[];
  /** False only if nothing of the range lies beyond the last row. May be true even so; the next read then is empty. */
  readonly more: boolean;
  /**
   * Set if `after` was given and entries behind it were trimmed or have expired: the highest such SeqId or, where ids
   * have gaps and it is no longer known, a SeqId between it and the first kept entry.
   */
  readonly truncatedThrough?: bigint | undefined;
}

/** Number of entries in a range, with the head from the same moment. */
export interface Count extends AdapterHead {
  /** Entries that a read of the range returns and that are no tombstones; `atMost` if there are more. */
  readonly count: number;
}

/** A stored entry. */
export interface Row {
  /** SeqId of the entry. */
  readonly seqId: bigint;
  /**
   * Milliseconds since 1970; decreases along a Timeline only behind an entry that a wrong clock put into the future.
   */
  readonly appendedAt: number;
  /** Stored body; `undefined` for a tombstone. */
  readonly body: Body | undefined;
  /** Idempotency key; absent if the entry has none. */
  readonly key?: string | undefined;
  /** Number of updates and deletions. */
  readonly revision: number;
}

/** New entries of a Timeline, as a read of this moment returns them. */
export interface Hint {
  /** Epoch of the data. */
  readonly epoch: string;
  /** At least one entry, in order; none of the store lies between two of them. */
  readonly rows: readonly Row[];
}

/** Names a stored position. */
export interface CheckpointKey {
  /** Encoded Timeline id. */
  readonly timeline: string;
  /** Name of the reader: 1 to 255 bytes. */
  readonly reader: string;
}

/** A position in one life of a Timeline's data. */
export interface Position {
  /** Epoch of the data. */
  readonly epoch: string;
  /** SeqId of the last entry read; `0n` before the first. */
  readonly seqId: bigint;
}
