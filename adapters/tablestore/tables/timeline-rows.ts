import type { Call, ListingRange } from '../../../src/adapter.js';
import { compareUtf8 } from '../../../src/toolkit/index.js';
import type { Column } from '../layouts/layout.js';
import { toTimelineError } from '../service/errors.js';
import type { RowWrite } from '../service/requests.js';
import { columnOf, type KeyPart, MAX, type StoredRecord } from '../service/values.js';
import type { LibraryBase } from './open.js';
import { graceMs } from './schema.js';

/** The bounds of a Timeline that its row records. */
export interface RecordedBounds {
  /** The Timeline's last SeqId is at least this; 0n if none is recorded. */
  readonly last: bigint;
  /** Entries up to here were trimmed, or have expired while a reader saw them; 0n: none. */
  readonly removedThrough: bigint;
  /**
   * Entries may have left the table unrecorded: nobody has read the Timeline for longer than the day between the expiry
   * and the removal of a row. If ids have gaps, nothing tells then up to which id they went.
   */
  readonly mayBeOutdated: boolean;
}

const NOTHING_RECORDED: RecordedBounds = { last: 0n, removedThrough: 0n, mayBeOutdated: false };

/**
 * One row for each Timeline in the meta table, for facts that its entries cannot tell: that it exists (column `since`),
 * how far entries are removed (`floor`, and `noted`, the time at which that was complete), and its last SeqId (`last`),
 * for the time when the TTL has removed all entries.
 */
export class TimelineRows {
  readonly #base: LibraryBase;

  constructor(base: LibraryBase) {
    this.#base = base;
  }

  async get(timeline: string, call: Call): Promise<RecordedBounds> {
    const { requests, tables } = this.#base;
    const [row] = await requests.get(tables.meta, [[timeline, '']], call);
    return row ? this.#decode(row) : NOTHING_RECORDED;
  }

  #decode({ columns }: StoredRecord): RecordedBounds {
    const { record, clock, layout } = this.#base;
    const number = (name: string) => (columnOf(columns, name) as bigint | undefined) ?? 0n;
    const completeAt = Math.max(Number(number('since')) + (record.ttlMs ?? 0), Number(number('noted')));
    const mayBeOutdated = record.ttlMs !== undefined && clock.expiryTime() - completeAt > graceMs(layout);
    return { last: number('last'), removedThrough: number('floor'), mayBeOutdated };
  }

  /** A write that lists the Timeline. Its condition fails if it is listed already. */
  registration(timeline: string): RowWrite {
    return this.#update(timeline, [this.#since()], 'since', 0n);
  }

  /** A write that raises the recorded last SeqId and, with the Timeline's first entry, lists the Timeline. */
  lastSeqIdUpdate(timeline: string, last: bigint, isFirst = false): RowWrite {
    const put: Column[] = [{ name: 'last', value: last }];
    if (isFirst) put.push(this.#since());
    return this.#update(timeline, put, 'last', last);
  }

  /**
   * Records that entries up to `through` are removed. `isComplete`: no later entry is removed now.
   *
   * @throws `TimelineError` if it cannot be written.
   */
  async recordRemoval(timeline: string, through: bigint, isComplete: boolean, call: Call): Promise<void> {
    const put = [{ name: 'floor', value: through }];
    if (isComplete) put.push({ name: 'noted', value: BigInt(this.#base.clock.expiryTime()) });
    const row = this.#update(timeline, put, 'floor', through + 1n);
    await this.#base.requests.writeIf(row, call).catch((error: unknown) => {
      throw toTimelineError(error, 'read');
    });
  }

  #since(): Column {
    return { name: 'since', value: BigInt(this.#base.clock.expiryTime()) };
  }

  /** Writes only if the stored value of `column` is below `limit`. */
  #update(timeline: string, put: readonly Column[], column: string, limit: bigint): RowWrite {
    return {
      table: this.#base.tables.meta,
      key: [timeline, ''],
      type: 'UPDATE',
      put,
      condition: [{ column, is: 'LESS_THAN', value: limit, passIfMissing: true }],
    };
  }

  /** Lists Timelines in the order of their encoded ids. */
  async list({ prefix, after, limit }: ListingRange, call: Call): Promise<readonly string[]> {
    const { requests, tables } = this.#base;
    const found: string[] = [];
    // The library's record has the empty id.
    let from: readonly KeyPart[] = [prefix === '' ? '\u0000' : prefix, ''];
    if (after !== undefined && compareUtf8(after, prefix) >= 0) from = [after, MAX];
    while (found.length < limit) {
      const to = [MAX, MAX] as const;
      const range = { table: tables.meta, from, to, limit: limit - found.length, columns: ['since'] };
      const page = await requests.range(range, call);
      for (const { key } of page.rows) {
        const timeline = key[0] as string;
        if (!timeline.startsWith(prefix)) return found;
        found.push(timeline);
      }
      if (!page.next) return found;
      from = page.next;
    }
    return found;
  }
}
