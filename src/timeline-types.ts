import type {
  Abortable,
  Cursor,
  Head,
  Nullable,
  Page,
  ReadRange,
  SeqIdLike,
  TimelineEntry,
  TimelineId,
} from './entry-types.js';
import type { Decoding } from './undecodable.js';

/** A queue of entries with increasing SeqIds: append at the tail, read any range from any SeqId. */
export interface Timeline<M> {
  /** Id of the Timeline, as the caller gave it. */
  readonly id: TimelineId;

  /**
   * Appends a message. Resolves once every reader can see the entry. With a `key`, any process may safely repeat the
   * call.
   *
   * @example
   * ```ts
   * const { seqId, duplicate } = await timeline.append(message, { key: message.clientId });
   * ```
   */
  append(message: M, options?: Nullable<AppendOptions> | null): Promise<AppendResult>;

  /**
   * Appends messages all or nothing, in order, with consecutive SeqIds. Takes at most `capabilities.atomicBatch`
   * messages, else `TIMELINE_TOO_LARGE`.
   *
   * @example
   * ```ts
   * await timeline.appendMany([question, answer], { keys: ['q-1', 'a-1'] });
   * ```
   */
  appendMany(messages: readonly M[], options?: Nullable<AppendManyOptions> | null): Promise<AppendResult[]>;

  /**
   * Reads one page.
   *
   * @example
   * ```ts
   * const newest = await timeline.read({ reverse: true, limit: 50 });
   * const older = await timeline.read({ reverse: true, limit: 50, before: newest.next });
   * ```
   */
  read(options?: Nullable<ReadRange & Abortable & Decoding<M>> | null): Promise<Page<M>>;

  /**
   * Counts the kept entries of a range, without those that were deleted and without reading bodies where the store can.
   * Both bounds are exclusive; a bound is checked as in `read`. Without `atMost`, a count that does not end within the
   * budget fails with `TIMELINE_UNAVAILABLE`.
   *
   * @example
   * ```ts
   * const unread = await timeline.count({ after: await phone.get(), atMost: 999 });
   * ```
   */
  count(options?: Nullable<CountOptions & Abortable> | null): Promise<number>;

  /** Yields entries up to the newest (in reverse: the oldest) at the time the scan gets there. */
  scan(options?: Nullable<ScanOptions & Decoding<M>> | null): AsyncIterable<TimelineEntry<M>>;

  /**
   * Yields the same entries page by page, which is the fastest way to read many. Does not throw where entries are
   * missing: check each page's `truncated`.
   *
   * @example
   * ```ts
   * for await (const page of timeline.pages({ after: 0n, pageSize: 1000 })) index(page.entries);
   * ```
   */
  pages(options?: Nullable<ScanOptions & Decoding<M>> | null): AsyncIterable<Page<M>>;

  /**
   * Yields the entries after a position, then new entries as they arrive, and never ends. Starts at the oldest kept
   * entry without `after`. Subscriptions of one store share entries that arrive, frozen: do not change their messages.
   *
   * @example
   * ```ts
   * for await (const entry of inbox.subscribe({ after: await phone.get(), signal })) {
   *   deliver(entry.message);
   *   await phone.advance(entry.cursor);
   * }
   * ```
   */
  subscribe(options?: Nullable<SubscribeOptions & Decoding<M>> | null): AsyncIterable<TimelineEntry<M>>;

  /** Reads one entry, or its tombstone; `undefined` if it was never appended, was trimmed or has expired. */
  get(seqId: SeqIdLike, options?: Nullable<Abortable & Decoding<M>> | null): Promise<TimelineEntry<M> | undefined>;

  /** Reads the newest kept entry, or its tombstone; `undefined` if none is kept. */
  latest(options?: Nullable<Abortable & Decoding<M>> | null): Promise<TimelineEntry<M> | undefined>;

  /** Reads the epoch and the first and last SeqId, without bodies. */
  head(options?: Nullable<Abortable> | null): Promise<Head>;

  /**
   * Replaces a message in place and raises `revision` by one. `TIMELINE_NOT_FOUND` if the entry is missing, deleted,
   * trimmed or expired; `TIMELINE_CONFLICT` if its revision is not `ifRevision`.
   *
   * @example
   * ```ts
   * await timeline.update(entry.seqId, { ...entry.message, text }, { ifRevision: entry.revision });
   * ```
   */
  update(
    seqId: SeqIdLike,
    message: M,
    options?: Nullable<{ readonly ifRevision?: number | undefined } & Abortable> | null,
  ): Promise<TimelineEntry<M>>;

  /** Replaces an entry with a tombstone. Idempotent; does nothing if there is no entry. */
  delete(seqId: SeqIdLike, options?: Nullable<Abortable> | null): Promise<void>;

  /**
   * Removes the oldest entries. Readers behind the cut are told (`truncated`).
   *
   * @example
   * ```ts
   * await timeline.trim({ keepLast: 1000 });
   * ```
   */
  trim(options: Nullable<({ readonly through: SeqIdLike } | { readonly keepLast: number }) & Abortable>): Promise<void>;

  /**
   * Removes the Timeline: its entries, keys and checkpoints are gone, and it is no longer listed. It may be written to
   * again, from then on in a new epoch: every older cursor is `TIMELINE_EPOCH_CHANGED`, and running subscriptions end
   * with that code, in other processes once they look again. A bare SeqId has no epoch, and may mean an entry of the
   * new one.
   *
   * Repeated by itself after an answer was lost: entries that are appended before the call has resolved may be gone. A
   * Timeline without anything to drop stays as it is.
   *
   * @example
   * ```ts
   * await store.timeline('group:42').drop();
   * ```
   */
  drop(options?: Nullable<Abortable> | null): Promise<void>;

  /**
   * Returns the stored position of a named reader; no I/O. The name takes 1 to 255 bytes.
   *
   * @example
   * ```ts
   * const phone = inbox.checkpoint('phone');
   * const page = await inbox.read({ after: await phone.get() });
   * await phone.advance(page.next);
   * ```
   */
  checkpoint(reader: string): Checkpoint;
}

/** A range of entries to count. */
export interface CountOptions {
  /** Count the entries after this position. Default: from the oldest kept entry. */
  readonly after?: Cursor | SeqIdLike | undefined;
  /** Count the entries before this position. Default: up to the newest. */
  readonly before?: Cursor | SeqIdLike | undefined;
  /** Stop at this number, 1 or more: the result is exact below it. Default: no limit. */
  readonly atMost?: number | undefined;
}

/** Options of {@link Timeline.append}. */
export interface AppendOptions extends Abortable {
  /** Idempotency key, usually the client's message id: 1 to 1024 bytes, remembered for `capabilities.keyWindowMs`. */
  readonly key?: string | undefined;
  /** SeqId chosen by the caller; must exceed the last one. Default: the store's next SeqId. */
  readonly seqId?: SeqIdLike | undefined;
  /** Append only if this is the last SeqId, else `TIMELINE_CONFLICT`; `0n`: only if nothing was ever appended. */
  readonly expectedLast?: SeqIdLike | undefined;
}

/** Options of {@link Timeline.appendMany}. */
export interface AppendManyOptions extends Abortable {
  /** Idempotency keys, one per message. */
  readonly keys?: readonly string[] | undefined;
  /** Append only if this is the last SeqId, else `TIMELINE_CONFLICT`; `0n`: only if nothing was ever appended. */
  readonly expectedLast?: SeqIdLike | undefined;
}

/** Position of an appended entry. */
export interface AppendResult {
  /** SeqId of the entry. */
  readonly seqId: bigint;
  /** Cursor of the entry; reading `after` it starts at the next one. */
  readonly cursor: Cursor;
  /** True if the key was known: `seqId` is that of the first append, and nothing was written. */
  readonly duplicate: boolean;
  /** Plain data for JSON, with the SeqId as a decimal string. */
  toJSON(): unknown;
}

/**
 * Options of a scan. `scan` throws `TIMELINE_TRUNCATED` where entries after its position are gone; without `after` it
 * starts at the oldest kept entry.
 */
export interface ScanOptions extends ReadRange, Abortable {
  /** Maximum number of entries in all. Default: no limit. */
  readonly limit?: number | undefined;
  /** Entries per round trip: 1 to 10,000. Default 500. */
  readonly pageSize?: number | undefined;
}

/** Options of {@link Timeline.subscribe}. */
export interface SubscribeOptions extends Abortable {
  /** Start after this position. Default: the oldest kept entry comes first. */
  readonly after?: Cursor | SeqIdLike | undefined;
  /** Entries per round trip: 1 to 10,000. Default 100. */
  readonly pageSize?: number | undefined;
  /** Called once, after every entry that existed already has been yielded. */
  readonly onCaughtUp?: (() => void) | undefined;
  /**
   * Called if entries after the position were trimmed or have expired; the subscription then continues after the gap.
   * Without it the subscription throws `TIMELINE_TRUNCATED`.
   */
  readonly onTruncated?: ((truncated: { readonly through: bigint }) => void) | undefined;
}

/** Stored position of a reader. Devices and retries may race: `advance` never moves it back (law Checkpoint). */
export interface Checkpoint {
  /** Name of the reader. */
  readonly reader: string;
  /** Reads the position; `undefined` if none is stored. */
  get(options?: Nullable<Abortable> | null): Promise<Cursor | undefined>;
  /**
   * Stores the later of `to` and the stored position, atomically, and resolves with the result.
   * `TIMELINE_EPOCH_CHANGED` if the stored position belongs to another epoch.
   */
  advance(to: Cursor | SeqIdLike, options?: Nullable<Abortable> | null): Promise<Cursor>;
  /** Stores `to`, even if it lies before the stored position; `undefined` deletes the position. */
  reset(to: Cursor | SeqIdLike | null | undefined, options?: Nullable<Abortable> | null): Promise<void>;
}
