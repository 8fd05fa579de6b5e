import type { Hint, Position, Row, Slice } from './adapter.js';
import type { Entry } from './entry.js';
import type { TimelineError } from './errors.js';
import type { HandOver, WaitingReader } from './hand-over.js';
import { checkPosition } from './range.js';
import { decodeShared, type LogItem, TailLog } from './tail-log.js';
import type { TimelineRef } from './timeline-id.js';
import type { Codec } from './types.js';

/** Shared by the tails of one store. */
export interface TailParts<M> {
  readonly codec: Codec<M>;
  readonly handOver: HandOver;
  /** Asks for a look at the store: it ends in {@link Tail.apply} or {@link Tail.fail}. */
  readonly look: (tail: Tail<M>) => void;
  /** True if an entry that was appended then has not expired, and is hardly changed already. */
  readonly isFresh: (appendedAt: number) => boolean;
}

/**
 * The end of one Timeline for all its readers in this store: the position up to which its entries are known, and the
 * newest of them. Readers that have caught up wait here. An entry from a hint is handed over without a read if it
 * follows the position with no number between; anything else is read once for all.
 */
export class Tail<M> {
  readonly ref: TimelineRef;
  /** Number of hints so far: a reader that compares it knows of those that came during its read. */
  hints = 0;
  /** A look is asked for or under way. */
  isLooking = false;
  lookedAt = 0;
  readonly #parts: TailParts<M>;
  readonly #log = new TailLog<M>();
  readonly #onHint = new Set<() => void>();
  #waiting: WaitingReader[] = [];
  /** Undefined until a reader has caught up. */
  #position: Position | undefined;
  /** A hint said that there may be more than the log has. */
  #isStale = false;
  #looks: (() => void)[] = [];

  constructor(ref: TimelineRef, parts: TailParts<M>) {
    this.ref = ref;
    this.#parts = parts;
  }

  get position(): Position | undefined {
    return this.#position;
  }

  get isStale(): boolean {
    return this.#isStale;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /**
   * Returns the place in the log of a reader that has read up to `position`, and found nothing behind it after `hints`
   * hints. Undefined if it has to read on: the log starts later.
   */
  join(position: Position, hints: number): number | undefined {
    const known = this.#position;
    this.#log.refresh();
    const isSame = known?.epoch === position.epoch;
    if (isSame && position.seqId <= known.seqId) return this.#log.placeAfter(position.seqId);
    if (known && (this.hasWaiting || !this.#log.isEmpty)) {
      // Others go on from the known position: what this reader has seen is news for them.
      this.#noteNews();
      return isSame ? this.#log.end : undefined;
    }
    this.#position = position;
    this.#log.restart(position.seqId);
    this.#isStale = hints !== this.hints;
    return this.#log.end;
  }

  /** Returns the item at a place; `'gone'` if the reader has to read for itself. */
  at(place: number): LogItem<M> | 'gone' | undefined {
    return this.#log.at(place);
  }

  /** Forgets entries that are no longer fresh, before a reader that comes back takes the next. */
  refresh(): void {
    this.#log.refresh();
  }

  /** Returns an error if the body does not decode. */
  decode(item: LogItem<M>, row: Row): Entry<M> | TimelineError {
    return decodeShared(this.ref, item, row, this.#parts.codec);
  }

  /** For a reader that has taken all of the log. Returns false if it has to read for itself. */
  wait(reader: WaitingReader): boolean {
    if (!this.#position) return false;
    if (this.#waiting[reader.seat] !== reader) reader.seat = this.#waiting.push(reader) - 1;
    if (this.#isStale) this.#parts.look(this);
    return true;
  }

  leave(reader: WaitingReader): void {
    if (this.#waiting[reader.seat] !== reader) return;
    const last = this.#waiting.pop() as WaitingReader;
    if (last === reader) return;
    this.#waiting[reader.seat] = last;
    last.seat = reader.seat;
  }

  /** Calls `ring` at each hint. Returns the function that ends it. */
  listen(ring: () => void): () => void {
    this.#onHint.add(ring);
    return () => this.#onHint.delete(ring);
  }

  readonly hear = (hint?: Hint): void => {
    this.hints++;
    for (const ring of this.#onHint) ring();
    if (this.#position && !(hint && this.#accept(hint))) this.#noteNews();
  };

  /** An entry was changed, or without `seqId` any were removed: what readers have not taken yet, they read. */
  forget(seqId?: bigint): void {
    if (seqId === undefined || this.#log.has(seqId)) this.#log.clear();
  }

  /** Resolves after the next look. */
  looked(): Promise<void> {
    return new Promise((resolve) => {
      this.#looks.push(resolve);
      this.#parts.look(this);
    });
  }

  /** Call before a look, which sees all that hints have told until then. */
  begin(): void {
    this.#isStale = false;
  }

  /** Takes what a look has found behind `after`. Throws if that position is not valid any more. */
  apply(after: Position, slice: Slice): void {
    const known = this.#position;
    if (!known) return;
    checkPosition(this.ref, slice, after);
    const { end } = this.#log;
    if (slice.epoch !== known.epoch) {
      // Hints of the earlier epoch have come meanwhile.
      if (known.seqId !== after.seqId) this.#isStale = true;
      else this.#position = { epoch: slice.epoch, seqId: known.seqId };
    }
    if (slice.epoch === this.#position?.epoch) {
      const through = slice.truncatedThrough;
      if (through !== undefined) this.#push(through, undefined);
      for (const row of slice.rows) this.#push(row.seqId, row);
      if (slice.more && slice.rows.length > 0) this.#isStale = true;
    }
    if (this.#log.end > end) this.#handOver();
  }

  /** Call after a look, whatever came of it. */
  end(): void {
    this.isLooking = false;
    for (const resolve of this.#looks.splice(0)) resolve();
  }

  /** A look has failed for good. */
  fail(error: unknown): void {
    this.#position = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const reader of waiting) reader.fail(error);
  }

  /** Call after a look that failed and will be repeated. */
  postpone(): void {
    this.#isStale = true;
  }

  #noteNews(): void {
    this.#isStale = true;
    if (this.hasWaiting) this.#parts.look(this);
  }

  /** Returns true if the readers need nothing but this hint. */
  #accept({ epoch, rows }: Hint): boolean {
    const known = this.#position as Position;
    const isFirst = known.epoch === '' && known.seqId === 0n;
    if (epoch !== known.epoch && !isFirst) return false;
    let next = known.seqId + 1n;
    const fresh: Row[] = [];
    for (const row of rows) {
      if (row.seqId < next) continue;
      if (row.seqId !== next || !this.#parts.isFresh(row.appendedAt)) break;
      fresh.push(row);
      next++;
    }
    if (fresh.length > 0 && isFirst) this.#position = { epoch, seqId: 0n };
    for (const row of fresh) this.#push(row.seqId, row);
    if (fresh.length > 0) this.#handOver();
    return (rows.at(-1)?.seqId ?? next) < next;
  }

  #push(seqId: bigint, row: Row | undefined): void {
    const { epoch, seqId: last } = this.#position as Position;
    if (seqId <= last) return;
    this.#log.push({ seqId, epoch, row, addedAt: performance.now(), decoded: undefined });
    this.#position = { epoch, seqId };
  }

  #handOver(): void {
    if (!this.hasWaiting) return;
    this.#parts.handOver.add(this.#waiting);
    this.#waiting = [];
  }
}
