import type { AdapterWarning, Body, Capabilities, TimelineAdapter } from './adapter.js';
import type { TimelineError } from './errors.js';
import type { RetryOptions } from './retry.js';
import type { StandardSchemaV1 } from './schema.js';
import type { Decoding, OnUndecodable } from './undecodable.js';

/**
 * Names a Timeline within its library: a string or an integer, or one to three of them (`['tenant-7', 'group:42']`).
 * `'a'` and `['a']` are the same Timeline; `1` and `'1'` are not. At most 512 bytes of UTF-8 in all; not empty.
 */
export type TimelineId = TimelineIdPart | readonly TimelineIdPart[];
/** Integers are within ±2^63; a `number` must be a safe integer. `1` and `1n` are the same part. */
export type TimelineIdPart = string | number | bigint;

/**
 * A position in one Timeline, opaque and safe to keep anywhere a string can be kept. Unlike a bare SeqId it knows its
 * Timeline and the epoch of the data, so that a reader learns of data that was lost (law Epoch).
 */
export type Cursor = string;

/** Turns messages into bodies and back. `decode` gets what `encode` returned, in the same type. */
export interface Codec<M> {
  encode(message: M): Body;
  decode(body: Body): M;
  /**
   * What a message is, for appends with a key: equal for a message and its repetition, whichever process encodes it, and
   * for no other. Absent: the library compares what plain data hold (JSON values, `undefined`, bigints, Dates, Maps, Sets,
   * bytes), each by its type, and refuses a key for a message that is more than that.
   */
  fingerprint?(message: M): string;
}

export interface TimelineStoreOptions<M> {
  readonly adapter: TimelineAdapter;
  /** The library: a table, a key prefix. 1 to 255 bytes, no control characters. */
  readonly name: string;
  /**
   * Milliseconds that entries are kept; `Infinity`: for ever. It is kept with the data. Default: what stands; for ever where
   * the library is created. Another value than what stands is refused without `alter`.
   */
  readonly ttlMs?: number | undefined;
  /** Changes settings of a library that exists (`ttlMs`, and `keyWindowMs` of the adapter) for all its processes. Default false. */
  readonly alter?: boolean | undefined;
  /** Validated on append and update, before any I/O; its output is what is stored. Any Standard Schema (zod, valibot, arktype …). */
  readonly schema?: StandardSchemaV1<unknown, M> | undefined;
  /** Default: JSON. */
  readonly codec?: Codec<M> | undefined;
  /** What readers get of an entry whose body does not decode. Default `throw`. Reading calls may say otherwise. */
  readonly onUndecodable?: OnUndecodable<M> | undefined;
  readonly limits?: PendingLimits | undefined;
  readonly retry?: RetryOptions | undefined;
  /** Milliseconds between the looks of a waiting subscription when no wake-up comes. Default 1000, minimum 10. */
  readonly pollMs?: number | undefined;
  /** The clock, in milliseconds since 1970; fractions are cut off. Default: `Date.now`. A store's own clock goes before it. */
  readonly now?: (() => number) | undefined;
  /**
   * Milliseconds by which a clock may differ from the library's accepted time and still count at once. A larger step warns
   * (`clock-skew`); it counts for new entries after a steady minute, for expiry and key windows after a steady hour. At
   * least 1000; default 300,000. `Infinity` trusts `now` alone: for tests and simulations.
   */
  readonly clockToleranceMs?: number | undefined;
  /** Conditions that an operator should know of. Default: `process.emitWarning`. */
  readonly onWarning?: ((warning: AdapterWarning) => void) | undefined;
}

/** Law Back-pressure: beyond either bound, `append` waits before it encodes. */
export interface PendingLimits {
  /** Writes accepted but not yet answered. Default 10,000. */
  readonly pendingWrites?: number | undefined;
  /** Bytes of their bodies; one body may exceed it. Default 32 MiB. */
  readonly pendingBytes?: number | undefined;
}

/** Waiting stops when it fires, with `TIMELINE_ABORTED`. A write already handed to the store may still be applied: `outcome` says so. */
export interface Abortable {
  readonly signal?: AbortSignal | undefined;
}

/** A named library of Timelines in one adapter. */
export interface TimelineStore<M> extends AsyncDisposable {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Milliseconds that entries are kept, as it stands with the data now; absent: for ever. */
  readonly ttlMs?: number | undefined;
  /** A handle; no I/O. */
  timeline(id: TimelineId): Timeline<M>;
  /** Each item is written or refused on its own; outcomes in input order. Items of one Timeline keep their order. Not atomic: see `appendMany`. */
  appendBatch(items: readonly BatchItem<M>[], options?: Abortable): Promise<BatchOutcome[]>;
  /** Write diffusion: one message, encoded once and stored once where the adapter can, to many Timelines. */
  appendToMany(
    timelines: readonly TimelineId[],
    message: M,
    options?: { readonly key?: string | undefined } & Abortable,
  ): Promise<BatchOutcome[]>;
  /**
   * Read diffusion: many ranges in one round trip where the adapter can. Rejects if any cursor is refused (`timeline` names
   * which). An entry that does not decode ends its own page only, which then carries the `error`.
   */
  readBatch(
    items: readonly ({ readonly timeline: TimelineId } & ReadRange)[],
    options?: Abortable & Decoding<M>,
  ): Promise<Page<M>[]>;
  heads(ids: readonly TimelineId[], options?: Abortable): Promise<Head[]>;
  /** Timelines ever written to, in the order of their encoded ids. `prefix` is of the first part, which must be a string. */
  timelines(
    options?: {
      readonly prefix?: string | undefined;
      readonly after?: TimelineId | undefined;
      readonly limit?: number | undefined;
    } & Abortable,
  ): AsyncIterable<TimelineId>;
  /** Many checkpoints in one round trip; see {@link Timeline.checkpoint}. */
  checkpoints(
    items: readonly { readonly timeline: TimelineId; readonly reader: string }[],
    options?: Abortable,
  ): Promise<(Cursor | undefined)[]>;
  /** Many atomic maxima in one round trip; resolves with what stands. */
  advanceCheckpoints(
    items: readonly { readonly timeline: TimelineId; readonly reader: string; readonly to: Cursor }[],
    options?: Abortable,
  ): Promise<Cursor[]>;
  /** Hints that any of these Timelines may have moved: they may come too often or be lost, so look now and then as well. Ends by the function returned. */
  watch(ids: readonly TimelineId[], wake: () => void): () => void;
  /** Resolves when every append accepted before this call has settled, well or not. */
  flush(): Promise<void>;
  /** Law Closing: settles what was accepted, ends subscriptions, refuses what comes later. Idempotent. */
  close(): Promise<void>;
}

/** A queue of entries with growing SeqIds: append at the tail, read any range from any SeqId. */
export interface Timeline<M> {
  readonly id: TimelineId;
  /** Resolves once any reader can see the entry. With a `key`, repeating the call is harmless, in any process. */
  append(message: M, options?: AppendOptions): Promise<AppendResult>;
  /** All or nothing, consecutive, in order; at most `capabilities.atomicBatch` messages. `keys`, if given, has one key per message. */
  appendMany(messages: readonly M[], options?: AppendManyOptions): Promise<AppendResult[]>;
  read(options?: ReadRange & Abortable & Decoding<M>): Promise<Page<M>>;
  /** Entry by entry, up to the newest (in reverse: the oldest) at the time the end is reached. */
  scan(options?: ScanOptions & Decoding<M>): AsyncIterable<TimelineEntry<M>>;
  /** The same by pages: the fast way through much. A page's `truncated` is for the caller to heed. */
  pages(options?: ScanOptions & Decoding<M>): AsyncIterable<Page<M>>;
  /** What is there after the position, then what comes, without end. Without `after`: from the oldest entry kept. */
  subscribe(options?: SubscribeOptions & Decoding<M>): AsyncIterable<TimelineEntry<M>>;
  /** Tombstones too; `undefined` for what never was, was trimmed or has expired. */
  get(seqId: bigint, options?: Abortable & Decoding<M>): Promise<TimelineEntry<M> | undefined>;
  /** The newest entry still kept, tombstone or not. */
  latest(options?: Abortable & Decoding<M>): Promise<TimelineEntry<M> | undefined>;
  head(options?: Abortable): Promise<Head>;
  /** Replaces the message in place. */
  update(
    seqId: bigint,
    message: M,
    options?: { readonly ifRevision?: number | undefined } & Abortable,
  ): Promise<TimelineEntry<M>>;
  /** Leaves a tombstone. Idempotent; nothing happens where no entry is. */
  delete(seqId: bigint, options?: Abortable): Promise<void>;
  /** Removes the oldest entries. Readers behind the cut are told (`truncated`). */
  trim(options: ({ readonly through: bigint } | { readonly keepLast: number }) & Abortable): Promise<void>;
  /** The position of a named reader of this Timeline: 1 to 255 bytes, kept in the library. */
  checkpoint(reader: string): Checkpoint;
}

export interface AppendOptions extends Abortable {
  /** Idempotency key, usually the client's message id: 1 to 1024 bytes. Remembered for `capabilities.keyWindowMs`. */
  readonly key?: string | undefined;
  /** Your own id, above the last one. */
  readonly seqId?: bigint | undefined;
  /** Append only if the last SeqId is this; 0n: only to a Timeline never written to. */
  readonly expectedLast?: bigint | undefined;
}

export interface AppendManyOptions extends Abortable {
  readonly keys?: readonly string[] | undefined;
  readonly expectedLast?: bigint | undefined;
}

export interface AppendResult {
  readonly seqId: bigint;
  readonly cursor: Cursor;
  /** The key was known: `seqId` is that of the entry written first. */
  readonly duplicate: boolean;
}

export interface BatchItem<M> {
  readonly timeline: TimelineId;
  readonly message: M;
  readonly key?: string | undefined;
}

export type BatchOutcome =
  | { readonly ok: true; readonly seqId: bigint; readonly duplicate: boolean }
  | { readonly ok: false; readonly error: TimelineError };

/** Both bounds are exclusive and may be cursors or bare SeqIds. */
export interface ReadRange {
  /** Absent: from the oldest entry kept. `TIMELINE_ROLLED_BACK` if it lies beyond the tail. */
  readonly after?: Cursor | bigint | undefined;
  /** Absent: up to the newest. A bare SeqId may lie beyond the tail. */
  readonly before?: Cursor | bigint | undefined;
  /** Entries at most; a page never holds more than 10,000. Default 100. */
  readonly limit?: number | undefined;
  /** Newest first; continue with `before: page.next`. */
  readonly reverse?: boolean | undefined;
}

/** Scans throw `TIMELINE_TRUNCATED` where entries after their position are gone; a scan without `after` starts at the oldest kept. */
export interface ScanOptions extends ReadRange, Abortable {
  /** Entries in all. Default: no limit. */
  readonly limit?: number | undefined;
  /** Entries per round trip: 1 to 10,000. Default 500. */
  readonly pageSize?: number | undefined;
}

export interface SubscribeOptions extends Abortable {
  readonly after?: Cursor | bigint | undefined;
  /** Entries per round trip: 1 to 10,000. Default 100. */
  readonly pageSize?: number | undefined;
  /** Called once, when everything that was there has been handed over. */
  readonly onCaughtUp?: (() => void) | undefined;
  /** Entries after the position were trimmed or expired. With this callback the stream goes on behind the gap; without it, it throws `TIMELINE_TRUNCATED`. */
  readonly onTruncated?: ((truncated: { readonly through: bigint }) => void) | undefined;
}

export interface TimelineEntry<M> {
  readonly timeline: TimelineId;
  readonly seqId: bigint;
  readonly cursor: Cursor;
  /** `undefined` at run time if `deleted`: check that first where entries are deleted. */
  readonly message: M;
  readonly key?: string;
  /** Milliseconds since 1970, never falling along a Timeline. */
  readonly appendedAt: number;
  /** How often it was updated or deleted. */
  readonly revision: number;
  /** A tombstone: it keeps the place and the SeqId. */
  readonly deleted: boolean;
  /** Plain data, SeqId as a decimal string. */
  toJSON(): unknown;
}

export interface Page<M> {
  readonly entries: TimelineEntry<M>[];
  /** Where to go on: `after` it (in reverse: `before` it). An empty page gives back the cursor that came in, unless entries were left out. */
  readonly next: Cursor;
  /** Nothing of the range was left beyond this page. A short page alone does not mean that. */
  readonly upToDate: boolean;
  readonly head: Head;
  /** Entries after the given `after`, up to `through`, were trimmed or have expired. */
  readonly truncated?: { readonly through: bigint };
  /** Of `readBatch`: the entry behind the last one here does not decode, and its page ends before it. */
  readonly error?: TimelineError;
}

export interface Head {
  readonly timeline: TimelineId;
  /** Random id of one life of the Timeline's data; `''` before there was any. */
  readonly epoch: string;
  /** Oldest entry kept; `lastSeqId + 1n` if none is. */
  readonly firstSeqId: bigint;
  /** High-water mark; never falls. 0n: nothing was ever appended. */
  readonly lastSeqId: bigint;
  toJSON(): unknown;
}

/** Law Checkpoint: any number of devices and retries may race; the position never moves back by `advance`. */
export interface Checkpoint {
  readonly reader: string;
  get(options?: Abortable): Promise<Cursor | undefined>;
  /** Atomic maximum; resolves with what stands. `TIMELINE_EPOCH_CHANGED` if what stands is of another epoch. */
  advance(to: Cursor | bigint, options?: Abortable): Promise<Cursor>;
  /** Sets it, backwards too; `undefined` forgets it. */
  reset(to: Cursor | bigint | undefined, options?: Abortable): Promise<void>;
}
