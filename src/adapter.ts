/**
 * The adapter contract, together with {@link Capabilities}: everything a store must do to carry Timelines.
 *
 * The core validates, encodes, coalesces, retries, pages and subscribes. An adapter gets valid arguments and makes one
 * round trip where its store allows it. It must implement `append`, `read`, `heads` and `close`; it omits the other
 * members that it does not support, and declares that in its {@link Capabilities}. `docs/writing-an-adapter.md` builds
 * an adapter in sixty lines; `timeline-model/testing` proves it.
 */
import type {
  AdapterHead,
  CheckpointKey,
  Count,
  CountRange,
  Cut,
  Hint,
  ListingRange,
  Payload,
  Position,
  Range,
  Row,
  Slice,
  Write,
  WriteOutcome,
} from './adapter-types.js';
import type { Capabilities } from './capabilities.js';
import type { LibraryClock } from './library-clock.js';

export type * from './adapter-types.js';
export type { Capabilities } from './capabilities.js';
export type { LibraryClock } from './library-clock.js';

/** A store, bound to a client that the user owns. One adapter can hold many libraries. */
export interface TimelineAdapter {
  /** Short stable name for error messages: `'sqlite'`. */
  readonly name: string;
  /** Milliseconds within which `open` ends. Default 30,000. */
  readonly budgetMs?: number;
  /** Opens a library and creates missing tables or keys. Idempotent, and safe from several processes at once. */
  open(options: LibraryOptions): Promise<AdapterLibrary>;
}

/** Options of {@link TimelineAdapter.open}. */
export interface LibraryOptions {
  /** Name of the library: 1 to 255 bytes of UTF-8, no control characters. */
  readonly name: string;
  /**
   * Milliseconds that the caller wants entries kept; `Infinity` keeps them for ever. Absent: the stored value;
   * `Infinity` for a new library. See `reconcileSettings`.
   */
  readonly ttlMs?: number | undefined;
  /** True if the caller asks to change stored settings. */
  readonly alter: boolean;
  /** The only clock that an adapter may use for entry times, expiry and key windows. */
  readonly clock: LibraryClock;
  /** Reports a condition that an operator should know about. Never throws. */
  readonly warn: (warning: AdapterWarning) => void;
}

/** Reports a wrong or unsafe condition of the store. */
export interface AdapterWarning {
  /** Stable, kebab-case: `'wal-pinned'`. */
  readonly code: string;
  /** Describes the condition and how to fix it. */
  readonly message: string;
}

/** Passed to every call of a library. */
export interface Call {
  /**
   * Time by which the call must end, on the clock of `performance.now()`: `budgetMs` after the core passed it on. All
   * attempts share it, so an adapter that repeats a part of the call stops here too.
   */
  readonly deadline: number;
}

/**
 * One open library. Every method but `watch` ends by the deadline of its call and rejects only with a
 * `TimelineError`. If the store does not answer, the error's `outcome` says whether a write may have been applied.
 */
export interface AdapterLibrary {
  /** Features and limits of this library on its store. */
  readonly capabilities: Capabilities;

  /** Stored `ttlMs`, which another process may have changed; absent if entries are kept for ever. */
  readonly ttlMs?: number | undefined;

  /**
   * Maximum number of concurrent append calls of this handle; the core never issues two that name the same Timeline.
   * Default 1, which suits a store with short round trips: appends that arrive meanwhile form the next batch.
   */
  readonly maxInFlight?: number;

  /**
   * First primitive: appends a batch of (Timeline, message). Returns outcomes in the order of `writes`.
   *
   * Each write is atomic and independent: it adds all its entries in order with consecutive ids, or none, and its
   * failure is its own outcome. Writes to one Timeline apply in the order given; if one fails with `retryable: true`,
   * the later ones to that Timeline must fail the same way, so that a retry keeps their order. The call resolves once
   * every entry is visible to every reader (laws Visibility, Read your writes). It rejects only if the fate of every
   * write is unknown (`outcome: 'unknown'`) or none was applied (`outcome: 'not-applied'`).
   *
   * Check each entry in this order: a `key` seen within the window answers with the first SeqId (`duplicate: true`) or,
   * if the payload's hash differs, fails the write with `TIMELINE_KEY_CONFLICT`; then, if any entry is new, check
   * `expectedLast` and manual ids (`TIMELINE_CONFLICT` with `expected` and `actual`); then add the new entries. The
   * second occurrence of a key within one write counts as seen.
   */
  append(writes: readonly Write[], call: Call): Promise<readonly WriteOutcome[]>;

  /**
   * Second primitive: reads a batch of (Timeline, range), each from one consistent state of its Timeline. A Timeline
   * never written to is empty, not an error.
   */
  read(ranges: readonly Range[], call: Call): Promise<readonly Slice[]>;

  /** Reads the heads of many Timelines without touching bodies: cheaper than `read`. */
  heads(timelines: readonly string[], call: Call): Promise<readonly AdapterHead[]>;

  /**
   * Counts the entries of ranges without reading bodies; reads nothing beyond `atMost` entries and the tombstones among
   * them. A long count may be taken in several steps, and then counts an entry that changes meanwhile as before or as
   * after. Absent: the core counts what `read` returns.
   */
  count?(ranges: readonly CountRange[], call: Call): Promise<readonly Count[]>;

  /**
   * Replaces a body in place and raises `revision` by one. `TIMELINE_NOT_FOUND` if the entry is missing, deleted,
   * trimmed or expired; `TIMELINE_CONFLICT` with the revision as `actual` if it differs from `ifRevision`. The entry's
   * key keeps the hash of the body it was appended with.
   */
  update?(
    timeline: string,
    seqId: bigint,
    payload: Payload,
    ifRevision: number | undefined,
    call: Call,
  ): Promise<{ epoch: string; row: Row }>;

  /**
   * Replaces an entry with a tombstone (`body: undefined`, revision raised by one). Does nothing if there is no entry.
   */
  delete?(timeline: string, seqId: bigint, call: Call): Promise<void>;

  /**
   * Removes a prefix, at most up to the tail. `lastSeqId` stays. Hides the entries at once; physical removal may follow
   * in small steps.
   */
  trim?(timeline: string, cut: Cut, call: Call): Promise<void>;

  /**
   * Ends the life of a Timeline's data and begins a new epoch: its entries, keys and readers' positions are gone, it is
   * no longer listed, and every position of an earlier epoch is refused from now on, so no ancestors remain. This
   * becomes visible in one step. SeqIds may begin anew; `lastSeqId` is `0n` until the next append.
   *
   * One small record stays for ever, the id and the new epoch. Store it first: data that a crash leaves behind it must
   * be hidden, also from later appends, and be removed by the next drop, append or sweep. An append at the same time
   * comes before the drop, and is gone with it, or after it, and is of the new epoch. A Timeline without anything to
   * drop keeps its epoch, if it has one. Wakes those who {@link watch} the Timeline.
   */
  drop?(timeline: string, call: Call): Promise<void>;

  /**
   * Lists at most `limit` Timelines that have or had entries since they were last dropped, in ascending
   * order of their encoded ids as UTF-8 bytes.
   */
  timelines?(range: ListingRange, call: Call): Promise<readonly string[]>;

  /** Named read positions, one per (Timeline, reader). */
  readonly checkpoints?: AdapterCheckpoints;

  /**
   * Calls `wake` whenever this or another process may have moved the Timeline. Spurious calls are harmless, and a lost
   * one only adds latency. Returns a function that ends the watch.
   *
   * An adapter that has the new entries at hand passes them on as a hint; readers that have all earlier ones then need
   * no read. Call it once the entries are visible, and only with what a read returns too: not with an entry that was
   * changed, trimmed or has expired, or whose epoch is not certain.
   */
  watch?(timeline: string, wake: (hint?: Hint) => void): () => void;

  /**
   * Passes a payload to the listeners of a topic in this library, by `capabilities.signals` those of this process or of
   * all. Stores nothing. A call that fails with `outcome: 'unknown'` is not repeated.
   *
   * @param topic 1 to 255 bytes of UTF-8.
   * @param payload At most 64 KiB of UTF-8; may be empty.
   */
  publish?(topic: string, payload: string, call: Call): Promise<void>;

  /**
   * Calls `hear`, which never throws, with each payload of a topic. Returns at once; a payload published before the
   * store knows of the listener may be lost, as may any other. Resumes by itself after an outage. Returns a function
   * that ends it.
   */
  listen?(topic: string, hear: (payload: string) => void): () => void;

  /**
   * Releases the resources of this handle; closes the client only if the adapter made it. The core calls it once, after
   * all calls that end in time have ended.
   */
  close(call: Call): Promise<void>;
}

/** Stored positions of readers. Each call is a batch, answered in order. */
export interface AdapterCheckpoints {
  /** Reads positions; `undefined` where none is stored. */
  get(keys: readonly CheckpointKey[], call: Call): Promise<readonly (Position | undefined)[]>;
  /**
   * Stores the larger of the given and the stored `seqId`, atomically, and resolves with the result. Fails with
   * `TIMELINE_EPOCH_CHANGED` (`actual`: the stored SeqId) if the epochs differ, or if the Timeline was dropped since
   * the given epoch; earlier items of the batch may have been applied.
   */
  advance(items: readonly (CheckpointKey & Position)[], call: Call): Promise<readonly Position[]>;
  /** Sets positions, even backwards or to another epoch; `undefined` deletes one. */
  reset(items: readonly (CheckpointKey & { readonly position: Position | undefined })[], call: Call): Promise<void>;
}
