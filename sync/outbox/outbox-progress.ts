import type { Cursor } from '../../src/index.js';

export const RETRY_PAUSES = { minMs: 100, maxMs: 5000 };
/** A run that takes longer ends, so that others see the position move. */
export const MAX_RUN_MS = 500;
/** In company, a run goes on for this long with what came meanwhile: a hand-over costs more. */
export const RUN_ON_MS = 20;

/** An entry that was processed, and that some inbox may still lack. */
interface UnconfirmedEntry {
  readonly seqId: bigint;
  readonly cursor: Cursor;
}

/** The progress of one conversation's outbox, in SeqIds of the conversation. */
export class OutboxProgress {
  #read = 0n;
  #delivered = 0n;
  #wanted = 0n;
  #seen = 0n;
  #abandoned = 0n;
  /** Oldest first: the durable position stays before them. */
  #unconfirmed: UnconfirmedEntry[] = [];
  #unpublished: Cursor | undefined;

  /** Every entry up to here was processed, here or by another process. */
  get read(): bigint {
    return this.#read;
  }

  /** Every inbox holds what is due up to here. */
  get delivered(): bigint {
    return this.#delivered;
  }

  /** Callers want entries up to here delivered. */
  get wanted(): bigint {
    return this.#wanted;
  }

  /** `true` if an entry that a caller wants was not processed yet. */
  get isWanting(): boolean {
    return this.#read < this.#wanted;
  }

  /** `true` if an entry that this process wants, or has seen, was not processed yet. */
  get isBehind(): boolean {
    return this.#read < this.#wanted || this.#read < this.#seen;
  }

  /** `true` if every entry that a caller ever wanted is delivered. */
  get isDone(): boolean {
    return this.#delivered >= this.#wanted && this.#delivered >= this.#abandoned && this.#delivered >= this.#seen;
  }

  want(seqId: bigint): void {
    if (seqId > this.#wanted) this.#wanted = seqId;
  }

  /** Entries of others, met on the way to a wanted one: their process may be gone. */
  see(seqId: bigint): void {
    if (this.isWanting && seqId > this.#seen) this.#seen = seqId;
  }

  /** Drops the wish for entries that were not processed yet. */
  wantNoMore(): void {
    this.#wanted = this.#read;
    this.#seen = this.#read;
  }

  /**
   * Drops the wish at closing. The entries stay undone: the note of the conversation has to stay for other processes.
   */
  abandon(): void {
    if (this.#wanted > this.#abandoned) this.#abandoned = this.#wanted;
    this.wantNoMore();
  }

  /** An entry was processed, or all up to it were skipped. */
  advance(entry: UnconfirmedEntry): void {
    this.#read = entry.seqId;
    this.#unconfirmed.push(entry);
  }

  /** Follows a durable position: whoever published it has delivered everything up to there. */
  follow(position: bigint): void {
    this.#read = position;
    if (position > this.#delivered) this.#delivered = position;
  }

  /** Confirms all entries before the first one that some inbox lacks. */
  confirmBefore(firstMissing: bigint | undefined): void {
    let last: UnconfirmedEntry | undefined;
    while (this.#unconfirmed[0] && (firstMissing === undefined || this.#unconfirmed[0].seqId < firstMissing))
      last = this.#unconfirmed.shift();
    if (!last || last.seqId <= this.#delivered) return;
    this.#delivered = last.seqId;
    this.#unpublished = last.cursor;
  }

  /** The position to publish, if it has moved. */
  takePublication(): Cursor | undefined {
    const position = this.#unpublished;
    this.#unpublished = undefined;
    return position;
  }

  /** The store lost entries: the outbox has to start from its durable position again. */
  reset(): void {
    this.#read = 0n;
    this.#delivered = 0n;
    this.#unconfirmed = [];
    this.#unpublished = undefined;
  }
}
