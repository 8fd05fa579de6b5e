import type { AdapterWarning, Body, Capabilities, TimelineAdapter } from './adapter.js';
import type { Abortable, Cursor, Head, Nullable, Page, ReadRange, TimelineId } from './entry-types.js';
import type { TimelineError } from './errors.js';
import type { RetryOptions } from './retry.js';
import type { StandardSchemaV1 } from './schema.js';
import type { CountOptions, Timeline } from './timeline-types.js';
import type { Decoding, OnUndecodable } from './undecodable.js';

export type * from './entry-types.js';
export type * from './timeline-types.js';

/**
 * Turns messages into bodies and back.
 *
 * @example
 * ```ts
 * const bytes: Codec<Message> = { encode: (message) => pack(message), decode: (body) => unpack(body as Uint8Array) };
 * ```
 */
export interface Codec<M> {
  /** Returns the stored form. Must not return a promise. */
  encode(message: M): Body;
  /** Gets the value that `encode` returned, in the same type. */
  decode(body: Body): M;
  /**
   * Identifies a message for appends with a key: equal for a message and its repetition, in any process, and different
   * for any other message. Default: the library compares plain data by type and value (JSON values, `undefined`,
   * bigints, Dates, Maps, Sets, bytes) and refuses a key for any other message.
   */
  fingerprint?(message: M): string;
}

/** Options of `openTimelineStore`. */
export interface TimelineStoreOptions<M> {
  /** Store that holds the library. */
  readonly adapter: TimelineAdapter;
  /** Name of the library (a table, a key prefix): 1 to 255 bytes, no control characters. */
  readonly name: string;
  /**
   * Milliseconds that entries are kept; `Infinity` keeps them for ever. Stored with the data. Default: the stored
   * value; `Infinity` for a new library. `TIMELINE_INVALID_ARGUMENT` for another than the stored value without `alter`.
   */
  readonly ttlMs?: number | undefined;
  /**
   * Changes stored settings (`ttlMs`, and the adapter's `keyWindowMs`) for all processes of the library. Default false.
   */
  readonly alter?: boolean | undefined;
  /**
   * Validates messages on append and update, before any I/O; its output is stored. Takes any Standard Schema (zod,
   * valibot, arktype …). Default: none.
   */
  readonly schema?: StandardSchemaV1<unknown, M> | undefined;
  /** Default: `jsonCodec()`, JSON. */
  readonly codec?: Codec<M> | undefined;
  /** Handles entries whose body does not decode; a reading call may override it. Default `'throw'`. */
  readonly onUndecodable?: OnUndecodable<M> | undefined;
  /** Bounds of pending writes. */
  readonly limits?: Nullable<PendingLimits> | undefined;
  /** Retries of calls that are safe to repeat. */
  readonly retry?: Nullable<RetryOptions> | undefined;
  /**
   * Milliseconds between the looks that all waiting subscriptions of the store share, for wake-ups that were lost; up
   * to four times as many while none is. Default 1000, minimum 10.
   */
  readonly pollMs?: number | undefined;
  /**
   * Clock, in milliseconds since 1970; fractions are cut off. Default `Date.now`. A store's own clock takes precedence.
   */
  readonly now?: (() => number) | undefined;
  /**
   * Milliseconds that a clock may differ from the library's accepted time and still take effect at once. A larger step
   * warns (`clock-skew`) and takes effect on new entries after a steady minute, on expiry and key windows after a
   * steady hour. Default 300,000, minimum 1000. `Infinity` trusts `now` alone: for tests and simulations.
   */
  readonly clockToleranceMs?: number | undefined;
  /** Receives conditions that an operator should know about. Default: `process.emitWarning`. */
  readonly onWarning?: ((warning: AdapterWarning) => void) | undefined;
}

/** Law Back-pressure: beyond either bound, `append` waits before it encodes. */
export interface PendingLimits {
  /** Writes accepted but not yet answered. Default 10,000. */
  readonly pendingWrites?: number | undefined;
  /** Bytes of their bodies; a single body may exceed it. Default 32 MiB. */
  readonly pendingBytes?: number | undefined;
}

/** A named library of Timelines in one adapter. */
export interface TimelineStore<M> extends AsyncDisposable {
  /** Name of the library. */
  readonly name: string;
  /** Features and limits of this library on its store; frozen, safe for JSON. */
  readonly capabilities: Capabilities;
  /** Milliseconds that entries are kept, as stored with the data now; absent if they are kept for ever. */
  readonly ttlMs?: number | undefined;

  /** Returns a handle; no I/O. */
  timeline(id: TimelineId): Timeline<M>;

  /**
   * Appends messages to many Timelines. Each item succeeds or fails on its own; outcomes come in input order, and items
   * of one Timeline keep their order. Not atomic: see {@link Timeline.appendMany}.
   *
   * @example
   * ```ts
   * const outcomes = await store.appendBatch([{ timeline: 'ann', message, key: 'm-1' }, { timeline: 'bob', message }]);
   * for (const outcome of outcomes) if (!outcome.ok) report(outcome.error);
   * ```
   */
  appendBatch(items: readonly Nullable<BatchItem<M>>[], options?: Nullable<Abortable> | null): Promise<BatchOutcome[]>;

  /**
   * Write diffusion: appends one message to many Timelines. Encodes it once, and stores it once where the adapter can.
   *
   * @example
   * ```ts
   * await inboxes.appendToMany(['ann', 'bob', 'cem'], message, { key: message.clientId });
   * ```
   */
  appendToMany(
    timelines: readonly TimelineId[],
    message: M,
    options?: Nullable<{ readonly key?: string | undefined } & Abortable> | null,
  ): Promise<BatchOutcome[]>;

  /**
   * Read diffusion: reads many ranges, in one round trip where the adapter can. Rejects if any cursor is refused; the
   * error's `timeline` names it. An entry that does not decode ends only its own page, which then carries the `error`.
   *
   * @example
   * ```ts
   * const pages = await store.readBatch(moved.map((id) => ({ timeline: id, after: positions.get(id) })));
   * ```
   */
  readBatch(
    items: readonly Nullable<{ readonly timeline: TimelineId } & ReadRange>[],
    options?: Nullable<Abortable & Decoding<M>> | null,
  ): Promise<Page<M>[]>;

  /** Reads the heads of many Timelines in one round trip, without bodies. */
  heads(ids: readonly TimelineId[], options?: Nullable<Abortable> | null): Promise<Head[]>;

  /**
   * Counts the entries of many ranges, in one round trip where the adapter can; see {@link Timeline.count}. Results
   * come in input order. Rejects if any cursor is refused; the error's `timeline` names it.
   *
   * @example
   * ```ts
   * const unread = await store.countBatch(ids.map((id) => ({ timeline: id, after: read.get(id), atMost: 999 })));
   * ```
   */
  countBatch(
    items: readonly Nullable<{ readonly timeline: TimelineId } & CountOptions>[],
    options?: Nullable<Abortable> | null,
  ): Promise<number[]>;

  /**
   * Yields the ids of Timelines ever written to and not dropped since, in the order of their encoded ids. `prefix`
   * filters by the first part, which must be a string; `after` continues behind an id.
   *
   * @example
   * ```ts
   * for await (const id of store.timelines({ prefix: 'group:' })) console.log(id);
   * ```
   */
  timelines(
    options?: Nullable<
      {
        readonly prefix?: string | undefined;
        readonly after?: TimelineId | undefined;
        readonly limit?: number | undefined;
      } & Abortable
    > | null,
  ): AsyncIterable<TimelineId>;

  /** Reads many checkpoints in one round trip; see {@link Timeline.checkpoint}. */
  checkpoints(
    items: readonly { readonly timeline: TimelineId; readonly reader: string }[],
    options?: Nullable<Abortable> | null,
  ): Promise<(Cursor | undefined)[]>;

  /** Advances many checkpoints in one round trip, and resolves with the stored positions; see {@link Checkpoint}. */
  advanceCheckpoints(
    items: readonly { readonly timeline: TimelineId; readonly reader: string; readonly to: Cursor }[],
    options?: Nullable<Abortable> | null,
  ): Promise<Cursor[]>;

  /**
   * Calls `wake` when any of these Timelines may have moved. Calls may be spurious or lost, so poll now and then as
   * well. Returns a function that ends the watch.
   *
   * @example
   * ```ts
   * const stop = store.watch(['ann', 'bob'], () => queue.schedule());
   * ```
   */
  watch(ids: readonly TimelineId[], wake: () => void): () => void;

  /**
   * Passes a signal to the listeners of a topic in this library: those of every process, or of this one only, see
   * `capabilities.signals`. Nothing is stored: a signal may be lost, signals come in any order, and none is heard
   * twice. Resolves once it is on its way, whether or not anybody listens. A signal whose fate is unknown fails with
   * `outcome: 'unknown'`.
   *
   * @param topic 1 to 255 bytes of UTF-8.
   * @param payload At most 64 KiB of UTF-8, else `TIMELINE_TOO_LARGE`.
   *
   * @example
   * ```ts
   * await store.publish('typing:group:42', 'ann');
   * ```
   */
  publish(topic: string, payload: string, options?: Nullable<Abortable> | null): Promise<void>;

  /**
   * Calls `listener` with each signal of these topics, until the returned function is called or the store is closed.
   * Never within a call of `publish`. Signals published right after this call may be missed: the store may have to
   * learn of the listener first. A listener that throws or rejects causes the warning `listener-failed`.
   *
   * @example
   * ```ts
   * const stop = store.listen(['typing:group:42'], (topic, user) => show(topic, user));
   * ```
   */
  listen(topics: readonly string[], listener: SignalListener): () => void;

  /** Resolves when every append accepted before this call has succeeded or failed. */
  flush(): Promise<void>;

  /** Law Closing: completes accepted writes, ends subscriptions and refuses later calls. Idempotent. */
  close(): Promise<void>;
}

/** Gets the signals of {@link TimelineStore.listen}. */
export type SignalListener = (topic: string, payload: string) => void;

/** One append of {@link TimelineStore.appendBatch}. */
export interface BatchItem<M> {
  /** Timeline to append to. */
  readonly timeline: TimelineId;
  /** Message to append. */
  readonly message: M;
  /** Idempotency key; see {@link AppendOptions}. */
  readonly key?: string | undefined;
}

/** Outcome of one append of a batch. */
export type BatchOutcome =
  | {
      /** The message is stored. */
      readonly ok: true;
      /** SeqId of the entry, or of the first one with the key. */
      readonly seqId: bigint;
      /** True if the key was known and nothing was written. */
      readonly duplicate: boolean;
      /** Plain data for JSON, with the SeqId as a decimal string. */
      toJSON(): unknown;
    }
  | {
      /** This append failed; others of the batch may have succeeded. */
      readonly ok: false;
      /** Reason; its `outcome` says whether the message may be stored all the same. */
      readonly error: TimelineError;
    };
