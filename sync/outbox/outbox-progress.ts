import type { Cursor } from '../../src/types.js';

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
  #abandoned = 0n;
  /** Oldest first: the durable position stays before them. */
  #unconfirmed: UnconfirmedEntry[] = [];

  /** Every entry up to here was processed. */
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

  /** `true` if a wanted entry was not processed yet. */
  get isBehind(): boolean {
    return this.#read < this.#wanted;
  }

  /** `true` if every entry that a caller ever wanted is delivered. */
  get isDone(): boolean {
    return this.#delivered >= this.#wanted && this.#delivered >= this.#abandoned;
  }

  want(seqId: bigint): void {
    if (seqId > this.#wanted) this.#wanted = seqId;
  }

  /** Stops wanting entries that were not processed yet. */
  wantNoMore(): void {
    this.#wanted = this.#read;
  }

  /** Gives up at closing. The entries stay undone, so that the work list keeps the conversation for other processes. */
  abandon(): void {
    if (this.#wanted > this.#abandoned) this.#abandoned = this.#wanted;
    this.wantNoMore();
  }

  /** An entry was processed, or all up to it were skipped. */
  advance(entry: UnconfirmedEntry): void {
    this.#read = entry.seqId;
    this.#unconfirmed.push(entry);
  }

  /** Takes over a durable position, of this or another process. */
  resumeAfter(position: bigint): void {
    this.#read = position;
    if (position > this.#delivered) this.#delivered = position;
  }

  /** Confirms all entries before the first one that some inbox lacks. Returns the new durable position, if it moved. */
  confirmBefore(firstMissing: bigint | undefined): Cursor | undefined {
    let last: UnconfirmedEntry | undefined;
    while (this.#unconfirmed[0] && (firstMissing === undefined || this.#unconfirmed[0].seqId < firstMissing))
      last = this.#unconfirmed.shift();
    if (last && last.seqId > this.#delivered) this.#delivered = last.seqId;
    return last?.cursor;
  }

  /** The store lost entries: the outbox has to start from its durable position again. */
  reset(): void {
    this.#read = 0n;
    this.#delivered = 0n;
    this.#unconfirmed = [];
  }
}
