import type { AdapterHead, Count, CountRange, Range, Slice } from '../adapter.js';

/** A range that is counted in parts, each behind the last one. */
export class RangeCount {
  readonly range: CountRange;
  /** SeqId through which entries are counted; undefined before the first. */
  after: bigint | undefined;
  count = 0;
  isDone = false;
  /** Head of the Timeline when the first part was counted. */
  head: AdapterHead | undefined;

  constructor(range: CountRange) {
    this.range = range;
    this.after = range.after;
  }

  /** Entries that are left to count at most, 1 or more until it is done. */
  get left(): number {
    return this.range.atMost - this.count;
  }

  /** The next rows to read, at most `rows`, if the store counts by reading. */
  nextPage(rows: number): Range {
    const { timeline, before, reached } = this.range;
    return { timeline, after: this.after, before, limit: Math.min(this.left, rows), reverse: false, reached };
  }

  /** Counts the entries of the page that {@link nextPage} asked for; rows of deleted ones do not count. */
  take({ rows, more, epoch, firstSeqId, lastSeqId, ancestors }: Slice): void {
    this.head ??= { epoch, firstSeqId, lastSeqId, ancestors };
    for (const { body } of rows) if (body !== undefined) this.count++;
    this.after = rows.at(-1)?.seqId ?? this.after;
    this.isDone = !more || rows.length === 0 || this.left <= 0;
  }

  /** The answer, once it is done. */
  get result(): Count {
    return { ...(this.head as AdapterHead), count: this.count };
  }
}
