import { abortError, onAbort, throwIfAborted } from './abort.js';
import type { Position } from './adapter.js';
import { Bell } from './bell.js';
import { encodeCursor, seqIdOf } from './cursor.js';
import { type Decoder, decodeRow } from './decode.js';
import { isTimelineError, TimelineError } from './errors.js';
import { Fifo } from './fifo.js';
import type { WaitingReader } from './hand-over.js';
import { withJson } from './json.js';
import { closedError, type Session } from './session.js';
import type { Tail } from './tail.js';
import { FRESH_MS, type LogItem } from './tail-log.js';
import type { Tails } from './tails.js';
import { describeValue } from './text.js';
import type { TimelineRef } from './timeline-id.js';
import type { Cursor, Page, SeqIdLike, SubscribeOptions, TimelineEntry } from './types.js';

/** Longest pause of a subscription between attempts to reach an unavailable store. */
const MAX_OUTAGE_PAUSE_MS = 2000;
const DEFAULT_PAGE_SIZE = 100;

export interface SubscriptionParts<M> {
  readonly session: Session;
  readonly tails: Tails<M>;
  readonly ref: TimelineRef;
  readonly decoder: Decoder<M>;
  readonly read: (after: Cursor | SeqIdLike | undefined, limit: number) => Promise<Page<M>>;
}

interface Caller<M> {
  readonly resolve: (result: IteratorResult<TimelineEntry<M>>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Law Subscription: reads pages until none is left, then takes its entries from the Timeline's tail, which all readers
 * in this store share. A reader that falls behind the tail reads pages again.
 */
export class Subscription<M> implements AsyncIterableIterator<TimelineEntry<M>>, WaitingReader {
  seat = -1;
  readonly #parts: SubscriptionParts<M>;
  readonly #options: SubscribeOptions;
  /** The caller of `next` that waits, and those behind it. */
  #caller: Caller<M> | undefined;
  readonly #laterCallers = new Fifo<Caller<M>>();
  readonly #off: (() => void)[] = [];
  #tail: Tail<M> | undefined;
  /** Position of the next read. Behind entries of the tail, {@link #taken} has it. */
  #after: Cursor | SeqIdLike | undefined;
  #page: readonly TimelineEntry<M>[] = [];
  #index = 0;
  /** Set if nothing lies behind the page: its end, and the number of hints before it was read. */
  #end: { readonly position: Position; readonly hints: number } | undefined;
  /** Place in the tail's log; undefined for a reader that reads for itself. */
  #place: number | undefined;
  #taken: Position = { epoch: '', seqId: 0n };
  #isReading = false;
  #isCaughtUp = false;
  #hasEnded = false;

  constructor(parts: SubscriptionParts<M>, options: SubscribeOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#after = options.after;
  }

  next(): Promise<IteratorResult<TimelineEntry<M>>> {
    if (!this.#caller && !this.#hasEnded) {
      try {
        this.#passStale();
        const value = this.#take();
        if (value) return Promise.resolve({ value, done: false });
      } catch (error) {
        this.#finish();
        return Promise.reject(error);
      }
    }
    return new Promise((resolve, reject) => {
      const caller = { resolve, reject };
      if (this.#caller) this.#laterCallers.push(caller);
      else {
        this.#caller = caller;
        if (this.#hasEnded) this.wake();
        else this.#waitOrRead();
      }
    });
  }

  return(): Promise<IteratorResult<TimelineEntry<M>>> {
    this.#finish();
    this.wake();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Answers callers with what is there. If they want more, waits for the tail or reads. */
  wake(): void {
    while (this.#caller) {
      if (this.#hasEnded) {
        this.#nextCaller().resolve({ value: undefined, done: true });
        continue;
      }
      try {
        const value = this.#take();
        if (!value) {
          this.#waitOrRead();
          return;
        }
        this.#nextCaller().resolve({ value, done: false });
      } catch (error) {
        this.fail(error);
      }
    }
  }

  fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.#finish();
    if (this.#caller) this.#nextCaller().reject(error);
    this.wake();
  }

  #nextCaller(): Caller<M> {
    const caller = this.#caller as Caller<M>;
    this.#caller = this.#laterCallers.shift();
    return caller;
  }

  #waitOrRead(): void {
    if (this.#isReading) return;
    if (this.#place !== undefined && this.#tail?.wait(this)) return;
    this.#leaveTail();
    void this.#read(this.#tail as Tail<M>);
  }

  #start(): Tail<M> {
    const { session, tails, ref } = this.#parts;
    const { signal } = this.#options;
    // Entries that were read already are handed out, so a close ends only waits.
    const failWaiting = (reason: () => TimelineError) => () => {
      if (this.#caller) this.fail(reason());
    };
    this.#off.push(onAbort(session.closing, failWaiting(closedError)));
    if (signal)
      this.#off.push(
        onAbort(
          signal,
          failWaiting(() => abortError(signal)),
        ),
      );
    return tails.acquire(ref);
  }

  #finish(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#page = [];
    for (const off of this.#off.splice(0)) off();
    if (!this.#tail) return;
    this.#tail.leave(this);
    this.#parts.tails.release(this.#tail);
  }

  /** Returns the next entry that is at hand. */
  #take(): TimelineEntry<M> | undefined {
    throwIfAborted(this.#options.signal);
    if (this.#index < this.#page.length) return this.#page[this.#index++];
    if (this.#parts.session.closing.aborted) throw closedError();
    this.#tail ??= this.#start();
    this.#join(this.#tail);
    while (this.#place !== undefined) {
      const item = this.#tail.at(this.#place);
      if (item === 'gone') {
        this.#leaveTail();
      } else if (item) {
        this.#place++;
        const entry = this.#takeItem(this.#tail, item);
        if (entry) return entry;
      } else {
        this.#tellCaughtUp();
        return undefined;
      }
    }
    return undefined;
  }

  #takeItem(tail: Tail<M>, item: LogItem<M>): TimelineEntry<M> | undefined {
    const { ref, decoder } = this.#parts;
    const { epoch, seqId, row } = item;
    if (seqId <= this.#taken.seqId) return undefined;
    this.#taken = item;
    if (!row) {
      this.#tellTruncated(seqId);
      return undefined;
    }
    const shared = tail.decode(item, row);
    return shared instanceof TimelineError ? decodeRow(ref, epoch, row, decoder) : shared;
  }

  /** A reader that comes back late reads what is there now. */
  #passStale(): void {
    const item = this.#place === undefined ? undefined : this.#tail?.at(this.#place);
    if (item && item !== 'gone' && item.addedAt < performance.now() - FRESH_MS) this.#leaveTail();
  }

  #join(tail: Tail<M>): void {
    if (!this.#end) return;
    const { position, hints } = this.#end;
    this.#end = undefined;
    this.#place = tail.join(position, hints);
    this.#taken = position;
  }

  #leaveTail(): void {
    if (this.#place === undefined) return;
    this.#place = undefined;
    this.#after = encodeCursor(this.#parts.ref, this.#taken.epoch, this.#taken.seqId);
  }

  /** Reads until there are entries or none is left, and for as long as the store is unavailable. */
  async #read(tail: Tail<M>): Promise<void> {
    const { session, read } = this.#parts;
    this.#isReading = true;
    for (let failures = 0; !this.#hasEnded; ) {
      const { hints } = tail;
      try {
        const page = await read(this.#after, this.#options.pageSize ?? DEFAULT_PAGE_SIZE);
        failures = 0;
        if (this.#hasEnded) break;
        this.#accept(page, hints);
        if (page.entries.length > 0) break;
        this.#join(tail);
        if (this.#place !== undefined) break;
        // The tail is elsewhere: it has not seen yet what this reader has.
        if (page.upToDate) await tail.looked();
      } catch (error) {
        if (this.#hasEnded) break;
        if (!isTimelineError(error) || !error.retryable) {
          this.#isReading = false;
          this.fail(error);
          return;
        }
        if (++failures === 1)
          session.warn({ code: 'subscription-waits', message: `a subscription waits for its store: ${error.message}` });
        await this.#waitForStore(tail, Math.min(MAX_OUTAGE_PAUSE_MS, session.pollMs * 2 ** failures));
      }
    }
    this.#isReading = false;
    this.wake();
  }

  #accept(page: Page<M>, hints: number): void {
    const { ref } = this.#parts;
    const { entries, truncated, next, head } = page;
    if (truncated) this.#tellTruncated(truncated.through);
    const isBehind = truncated && entries.length === 0 && seqIdOf(next) < truncated.through;
    this.#after = isBehind ? encodeCursor(ref, head.epoch, truncated.through) : next;
    this.#page = entries;
    this.#index = 0;
    if (page.upToDate) this.#end = { position: { epoch: head.epoch, seqId: seqIdOf(this.#after) }, hints };
  }

  async #waitForStore(tail: Tail<M>, ms: number): Promise<void> {
    const bell = new Bell();
    const off = tail.listen(bell.ring);
    this.#off.push(bell.ring);
    await bell.wait(ms);
    off();
  }

  #tellCaughtUp(): void {
    if (this.#isCaughtUp) return;
    this.#isCaughtUp = true;
    this.#options.onCaughtUp?.();
  }

  #tellTruncated(through: bigint): void {
    const { onTruncated } = this.#options;
    if (!onTruncated) throw truncatedError(this.#parts.ref, through);
    onTruncated(withJson({ through }));
  }
}

export function truncatedError(ref: TimelineRef, through: bigint): TimelineError {
  const entries = `entries of ${describeValue(ref.encoded)} up to ${through} that were not read yet`;
  return new TimelineError('TIMELINE_TRUNCATED', `${entries} have been trimmed or have expired`, {
    timeline: ref.encoded,
    through,
  });
}
