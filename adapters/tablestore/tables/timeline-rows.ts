import type { Call, ListingRange } from '../../../src/adapter.js';
import type { Context } from '../context.js';
import type { Column } from '../layouts/layout.js';
import { toTimelineError } from '../service/errors.js';
import type { RowWrite } from '../service/requests.js';
import { columnOf, type KeyPart, MAX, type StoredRecord } from '../service/values.js';
import type { TimelineState } from '../timeline-state.js';
import { graceMs } from './schema.js';

/** What is kept of a Timeline beside its entries. */
export interface DirectoryRow {
  /** At least this was its last SeqId; 0n where it is not kept. */
  readonly last: bigint;
  /** Up to here entries were trimmed, or seen to have expired; 0n where nothing was. */
  readonly floor: bigint;
  /** Entries may have vanished from the table since without anybody having noted it. */
  readonly mayBeBehind: boolean;
}

const EMPTY: DirectoryRow = { last: 0n, floor: 0n, mayBeBehind: false };

/**
 * One row for each Timeline in the meta table, for what its entries cannot tell: that it exists (`since`), how far entries are gone
 * (`floor`, noted at the time `noted`), and its last SeqId (`last`) once the TTL has taken all of them.
 */
export class Directory {
  constructor(private readonly context: Context) {}

  async get(timelines: readonly string[], call: Call): Promise<DirectoryRow[]> {
    const { requests, tables } = this.context;
    const rows = await requests.get(
      tables.meta,
      timelines.map((timeline) => [timeline, '']),
      call,
    );
    return rows.map((row) => (row ? this.#decode(row) : EMPTY));
  }

  #decode({ columns }: StoredRecord): DirectoryRow {
    const number = (name: string) => (columnOf(columns, name) as bigint | undefined) ?? 0n;
    const { ttlMs, clock } = this.context;
    const known = Math.max(Number(number('since')) + (ttlMs ?? 0), Number(number('noted')));
    const mayBeBehind = ttlMs !== undefined && clock.expiryTime() - known > graceMs(this.context.layout);
    return { last: number('last'), floor: number('floor'), mayBeBehind };
  }

  /** Lists a Timeline, if it is not listed yet: then its condition fails. */
  listing(state: TimelineState): RowWrite {
    const since = { name: 'since', value: BigInt(this.context.clock.expiryTime()) };
    return this.#update(state.timeline, [since], { column: 'since', value: 0n });
  }

  /** Raises the last SeqId; with the first entry, lists the Timeline too. */
  tail(timeline: string, last: bigint, first = false): RowWrite {
    const put: Column[] = [{ name: 'last', value: last }];
    if (first) put.push({ name: 'since', value: BigInt(this.context.clock.expiryTime()) });
    return this.#update(timeline, put, { column: 'last', value: last });
  }

  /** Resolves once it is noted that entries up to `floor` are gone; and, unless others may be too, that it was so at this time. */
  async note(timeline: string, floor: bigint, isAll: boolean, call: Call): Promise<void> {
    const put = [{ name: 'floor', value: floor }];
    if (isAll) put.push({ name: 'noted', value: BigInt(this.context.clock.expiryTime()) });
    const [result] = await this.context.requests.write(
      [this.#update(timeline, put, { column: 'floor', value: floor + 1n })],
      call,
    );
    if (result?.ok === false && result.error.failure !== 'condition') throw toTimelineError(result.error, 'read');
  }

  #update(
    timeline: string,
    put: readonly Column[],
    below: { readonly column: string; readonly value: bigint },
  ): RowWrite {
    const condition = [{ ...below, is: 'LESS_THAN', passIfMissing: true } as const];
    return { table: this.context.tables.meta, key: [timeline, ''], type: 'UPDATE', put, condition };
  }

  /** Timelines in the order of their encoded ids. */
  async list({ prefix, after, limit }: ListingRange, call: Call): Promise<readonly string[]> {
    const { requests, tables } = this.context;
    const found: string[] = [];
    // Under no Timeline there is the record of the library.
    let from: readonly KeyPart[] = [prefix === '' ? '\u0000' : prefix, ''];
    if (after !== undefined && compareBytes(after, prefix) >= 0) from = [after, MAX];
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

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
