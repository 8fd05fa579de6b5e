/**
 * The adapter contract: all that a store must do to carry Timelines, here and in {@link Capabilities}.
 *
 * The core validates, encodes, coalesces, retries, pages and subscribes; an adapter gets arguments that are already
 * valid and does one round trip where its store allows it. It needs `append`, `read`, `heads` and `close`; whatever
 * else it lacks it leaves out, and says so in its {@link Capabilities}. `docs/writing-an-adapter.md` builds one in
 * sixty lines; `timeline-model/testing` proves it.
 */
import type { Capabilities } from './capabilities.js';
import type { TimelineError } from './errors.js';

export type { Capabilities } from './capabilities.js';

/** A store, bound to a client that the user owns. One adapter may hold many libraries. */
export interface TimelineAdapter {
  /** Short and stable, for messages: `'sqlite'`. */
  readonly name: string;
  /** Milliseconds within which `open` ends. Default 30,000. */
  readonly budgetMs?: number;
  /** Creates what is missing. Idempotent, and safe from several processes at once. */
  open(options: LibraryOptions): Promise<AdapterLibrary>;
}

export interface LibraryOptions {
  /** 1 to 255 bytes of UTF-8, no control characters. */
  readonly name: string;
  /**
   * Milliseconds that an entry is kept, as the caller asks for it; `Infinity`: for ever. Absent: what stands, and for
   * ever when the library is created. See `reconcileSettings`.
   */
  readonly ttlMs?: number | undefined;
  /** The caller means to change settings that stand. */
  readonly alter: boolean;
  /** The only clock an adapter may use for entry times, expiry and key windows. */
  readonly clock: LibraryClock;
  /** For conditions an operator should know of. Never throws. */
  readonly warn: (warning: AdapterWarning) => void;
}

/**
 * The accepted time of one library, in whole milliseconds since 1970: no single clock's, so that a wrong one neither
 * poisons nor removes anything. A store with a clock of its own has it followed; any other keeps the text of `exchange`.
 */
export interface LibraryClock {
  /** The time of a new entry that follows one of `lastAt`: never earlier, unless only a wrong clock can have given that. */
  entryTime(lastAt?: number): number;
  /** The time for hiding, key windows and removal. */
  expiryTime(): number;
  /** No clock that was right ever gave this time: whatever stands in the store with it should be set right. */
  isFuture(at: number): boolean;
  /** The latest time that is not of the future, for those who compare in their store. */
  latestTime(): number;
  /** The caller's clock counts at once and alone (`clockToleranceMs: Infinity`): there is no need to ask the store. */
  readonly trustsNow: boolean;
  /** The store's own clock, as read just now: from then on it counts instead of the caller's. At opening and every few seconds. */
  follow(storeTime: number): void;
  /**
   * Joins what the library's data say, `undefined` before there is anything, and answers the text to keep instead; nothing is
   * to be written if that is the same or `undefined`, as with a clock that is trusted. At opening, before removing
   * anything, and with a write now and then: every 10 seconds, or every minute without writes.
   */
  exchange(kept: string | undefined): string | undefined;
}

/** Something is wrong or unsafe in the store, and what to do about it. */
export interface AdapterWarning {
  /** Stable and kebab-case: `'wal-pinned'`. */
  readonly code: string;
  readonly message: string;
}

/** Passed to every call of a library. */
export interface Call {
  /**
   * When the call must have ended, on the clock of `performance.now()`: `budgetMs` after the core handed it over. All attempts at
   * it share this, so an adapter that repeats a part of it stops here too.
   */
  readonly deadline: number;
}

/**
 * One open library. Every method but `watch` rejects with a {@link TimelineError} and with nothing else, and ends by
 * the deadline of its call: with what it knows of the outcome, if the store gave no answer.
 */
export interface AdapterLibrary {
  readonly capabilities: Capabilities;

  /** The `ttlMs` that stands now, which another process may have altered; absent: for ever. */
  readonly ttlMs?: number | undefined;

  /**
   * Append calls of this handle that the core may have under way at once; never two that name the same Timeline.
   * Default 1, which suits a store whose round trip is short: what arrives meanwhile forms the next batch.
   */
  readonly maxInFlight?: number;

  /**
   * First primitive: append a batch of (Timeline, message). Outcomes come in the order of `writes`.
   *
   * Each write is atomic and independent: all its entries with consecutive ids in order, or none, and its failure is
   * its own outcome. Writes to one Timeline apply in the order given; when one fails with `retryable: true`, the later
   * ones to that Timeline must fail the same way, so that a retry keeps their order. The call resolves once every
   * entry is visible to every reader (laws Visibility, Read your writes). It rejects only when nothing is known of any
   * write, with `outcome: 'unknown'`, or when none was applied, with `outcome: 'not-applied'`.
   *
   * For each entry, in this order: a `key` seen within the window answers with the first SeqId (`duplicate: true`) or,
   * if the payload's hash differs, fails the write with `TIMELINE_KEY_CONFLICT`; then, if any entry is new,
   * `expectedLast` and manual ids are checked (`TIMELINE_CONFLICT` with `expected` and `actual`); then new entries
   * are added. A key that occurs twice in one write counts as seen at its second place.
   */
  append(writes: readonly Write[], call: Call): Promise<readonly WriteOutcome[]>;

  /**
   * Second primitive: read a batch of (Timeline, range), each from one consistent state of its Timeline.
   * A Timeline never written to is empty, not an error.
   */
  read(ranges: readonly Range[], call: Call): Promise<readonly Slice[]>;

  /** The heads of many Timelines, without touching bodies: cheaper than `read`. */
  heads(timelines: readonly string[], call: Call): Promise<readonly AdapterHead[]>;

  /**
   * Replaces a body in place and raises `revision` by one. `TIMELINE_NOT_FOUND` for an entry that is missing,
   * deleted, trimmed or expired; `TIMELINE_CONFLICT` with the revision as `actual` if `ifRevision` is another.
   * The entry's key keeps the hash of the body it was appended with.
   */
  update?(
    timeline: string,
    seqId: bigint,
    payload: Payload,
    ifRevision: number | undefined,
    call: Call,
  ): Promise<{ epoch: string; row: Row }>;

  /** Leaves a tombstone (`body: undefined`, revision raised by one). Nothing happens if there is nothing to delete. */
  delete?(timeline: string, seqId: bigint, call: Call): Promise<void>;

  /** Removes a prefix, at most up to the tail. `lastSeqId` stays. Gone for readers at once; physical removal may follow in small steps. */
  trim?(timeline: string, cut: Cut, call: Call): Promise<void>;

  /** Timelines that have or had entries, in ascending order of their encoded id as UTF-8 bytes, at most `limit`. */
  timelines?(range: ListingRange, call: Call): Promise<readonly string[]>;

  /** Named read positions, one per (Timeline, reader). Each call is a batch, answered in order. */
  readonly checkpoints?: AdapterCheckpoints;

  /**
   * Calls `wake` whenever the Timeline may have moved, also when another process moved it. A hint: it may come too
   * often, and losing it only adds latency. Returns the function that ends it.
   */
  watch?(timeline: string, wake: () => void): () => void;

  /** Releases what this handle holds; the client too only if the adapter made it. The core calls it once, with nothing in flight that ends in time. */
  close(call: Call): Promise<void>;
}

/** Where a Timeline is trimmed. */
export type Cut = { readonly through: bigint } | { readonly keepLast: number };

/** Encoded ids that start with `prefix` and follow `after`, at most `limit`. */
export interface ListingRange {
  readonly prefix: string;
  readonly after?: string;
  readonly limit: number;
}

/** An encoded message. A body is read back as the type it was written. */
export type Body = string | Uint8Array;

/** A body on its way in. Entries that name the same object share one body. */
export interface Payload {
  readonly body: Body;
  /** Digest of what the message is, present whenever an entry that names it has a key. 1 to 64 ASCII characters. */
  readonly hash?: string | undefined;
  /** True when several writes of this call name it: store it once, where that is cheaper. */
  readonly shared: boolean;
}

/** All or nothing, on one Timeline. */
export interface Write {
  readonly timeline: string;
  /** At least one, at most `capabilities.atomicBatch`. */
  readonly entries: readonly WriteEntry[];
  /** Append only if the Timeline's last SeqId is this. */
  readonly expectedLast?: bigint | undefined;
}

export interface WriteEntry {
  readonly payload: Payload;
  readonly key?: string | undefined;
  /** Chosen by the caller; must be above the Timeline's last SeqId. Absent: the adapter takes the next. */
  readonly seqId?: bigint | undefined;
}

export type WriteOutcome =
  | { readonly ok: true; readonly epoch: string; readonly entries: readonly Appended[] }
  | { readonly ok: false; readonly error: TimelineError };

export interface Appended {
  readonly seqId: bigint;
  readonly duplicate: boolean;
}

/** Both bounds are exclusive. */
export interface Range {
  readonly timeline: string;
  /** Absent: from the oldest entry kept. */
  readonly after?: bigint | undefined;
  /** Absent: up to the newest. */
  readonly before?: bigint | undefined;
  /** 1 to 10,000 rows. An adapter may return fewer, but at least one if there is one. */
  readonly limit: number;
  /** Newest first. */
  readonly reverse: boolean;
}

export interface AdapterHead {
  /** Random id of one life of the data, 1 to 64 letters, digits, `-` or `_`; `''` if a Timeline has none before its first entry. */
  readonly epoch: string;
  /** The oldest entry that readers still get; `lastSeqId + 1n` when there is none. */
  readonly firstSeqId: bigint;
  /** High-water mark: never falls, whatever is deleted, trimmed or expired. 0n: nothing was ever appended. */
  readonly lastSeqId: bigint;
  /**
   * Epochs that went before, each with the last SeqId whose entry is still the same: positions up to there stay good. For
   * stores that begin a new epoch whenever data may have been lost, and cannot know whether they were.
   */
  readonly ancestors?: readonly Position[] | undefined;
}

export interface Slice extends AdapterHead {
  readonly rows: readonly Row[];
  /** False only if nothing of the range lies beyond the last row. May be true in vain. */
  readonly more: boolean;
  /**
   * Set if `after` was given and entries behind it were trimmed or have expired: the highest such SeqId, or, where ids have
   * gaps and it is not known any more, one between it and the first entry kept.
   */
  readonly truncatedThrough?: bigint | undefined;
}

export interface Row {
  readonly seqId: bigint;
  /** Milliseconds since 1970; never falls along a Timeline, but behind an entry that a wrong clock put into the future. */
  readonly appendedAt: number;
  /** `undefined`: a tombstone. */
  readonly body: Body | undefined;
  readonly key?: string | undefined;
  /** 0, then one more for each update or deletion. */
  readonly revision: number;
}

export interface AdapterCheckpoints {
  get(keys: readonly CheckpointKey[], call: Call): Promise<readonly (Position | undefined)[]>;
  /**
   * Atomic maximum of `seqId`; resolves with what stands afterwards. A position of another epoch than the one stored
   * fails with `TIMELINE_EPOCH_CHANGED` (`actual`: the SeqId stored); the items before it in the batch may stand.
   */
  advance(items: readonly (CheckpointKey & Position)[], call: Call): Promise<readonly Position[]>;
  /** Sets the position, backwards or to another epoch too; `undefined` forgets it. */
  reset(items: readonly (CheckpointKey & { readonly position: Position | undefined })[], call: Call): Promise<void>;
}

export interface CheckpointKey {
  readonly timeline: string;
  readonly reader: string;
}

export interface Position {
  readonly epoch: string;
  readonly seqId: bigint;
}
