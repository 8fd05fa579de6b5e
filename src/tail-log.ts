import type { Row } from './adapter.js';
import { decodeRow } from './decode.js';
import type { Entry } from './entry.js';
import type { TimelineError } from './errors.js';
import type { TimelineRef } from './timeline-id.js';
import type { Codec } from './types.js';

const MAX_ITEMS = 4096;
const MAX_BYTES = 4 * 1024 * 1024;
/** Milliseconds that an entry is handed out from memory: another process may change or trim it, or it may expire. */
export const FRESH_MS = 1000;

/** A new entry, or entries that are gone, in the order of the Timeline. */
export interface LogItem<M> {
  /** SeqId of the entry, or of the last one that is gone. */
  readonly seqId: bigint;
  readonly epoch: string;
  /** Absent: entries up to `seqId` were trimmed or have expired. */
  readonly row: Row | undefined;
  readonly addedAt: number;
  /** Decoded once for all readers; an error if the body does not decode. */
  decoded: Entry<M> | TimelineError | undefined;
}

/**
 * The newest entries of a Timeline, shared by its readers, each of which has a place among them. A reader whose place
 * is no longer here reads from the store: so memory is bounded, however slow it is.
 */
export class TailLog<M> {
  #items: LogItem<M>[] = [];
  /** Place of the first item. */
  #first = 0;
  #bytes = 0;
  /** The log has every entry that follows this one. */
  #after = 0n;

  /** The place behind the last item. */
  get end(): number {
    return this.#first + this.#items.length;
  }

  push(item: LogItem<M>): void {
    this.#items.push(item);
    this.#bytes += sizeOf(item);
    if (this.#items.length <= MAX_ITEMS && this.#bytes <= MAX_BYTES) return;
    this.#drop(this.#items.length >> 1);
  }

  /** Returns `undefined` at the end, and `'gone'` for a place that is no longer here. */
  at(place: number): LogItem<M> | 'gone' | undefined {
    return place < this.#first ? 'gone' : this.#items[place - this.#first];
  }

  /** Returns the place behind an entry; `undefined` if there may be entries between it and the log. */
  placeAfter(seqId: bigint): number | undefined {
    if (seqId < this.#after) return undefined;
    let place = this.end;
    while (place > this.#first && (this.#items[place - 1 - this.#first] as LogItem<M>).seqId > seqId) place--;
    return place;
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  has(seqId: bigint): boolean {
    return this.#items.some((item) => item.seqId === seqId);
  }

  /** Drops what is no longer fresh. */
  refresh(): void {
    const since = performance.now() - FRESH_MS;
    let count = 0;
    while ((this.#items[count]?.addedAt ?? Number.POSITIVE_INFINITY) < since) count++;
    this.#drop(count);
  }

  /** Drops all items. The place behind them stays. */
  clear(): void {
    this.#drop(this.#items.length);
  }

  /** Starts again behind an entry. All places so far are gone. */
  restart(after: bigint): void {
    this.clear();
    this.#first++;
    this.#after = after;
  }

  #drop(count: number): void {
    if (count === 0) return;
    for (const item of this.#items.splice(0, count)) {
      this.#bytes -= sizeOf(item);
      this.#after = item.seqId;
    }
    this.#first += count;
  }
}

function sizeOf({ row }: LogItem<unknown>): number {
  return row?.body === undefined ? 0 : row.body.length;
}

/** Decodes an item at its first call. The entry is shared, so nobody may change it. */
export function decodeShared<M>(
  ref: TimelineRef,
  item: LogItem<M>,
  row: Row,
  codec: Codec<M>,
): Entry<M> | TimelineError {
  item.decoded ??= decodeOnce(ref, item.epoch, row, codec);
  return item.decoded;
}

function decodeOnce<M>(ref: TimelineRef, epoch: string, row: Row, codec: Codec<M>): Entry<M> | TimelineError {
  try {
    const entry = decodeRow(ref, epoch, row, { codec, onUndecodable: 'throw' }) as Entry<M>;
    Object.freeze(entry);
    return entry;
  } catch (error) {
    return error as TimelineError;
  }
}
