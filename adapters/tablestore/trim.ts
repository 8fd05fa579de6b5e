import type { Cut as Bounds, Call } from '../../src/adapter.js';
import { pause, pauseAfter } from '../../src/retry.js';
import type { Claims } from './append/key-reservations.js';
import type { Context, Found } from './context.js';
import type { Ends } from './read/bounds.js';
import { toTimelineError } from './service/errors.js';
import type { RowWrite } from './service/requests.js';
import { MAX, MIN, type StoredRecord, upTo } from './service/values.js';
import type { Directory } from './tables/timeline-rows.js';
import type { TimelineState } from './timeline-state.js';

/** What is to become of a row of the prefix. */
interface Cut {
  readonly entries: readonly Found[];
  readonly record: StoredRecord;
  /** The highest of its entries that goes. */
  readonly through: bigint;
}

/**
 * Removes a prefix. Deletions are not atomic, and one that was seen before its neighbours would be a hole that a reader passes without
 * notice. So all rows of the prefix are marked first, each with the last id trimmed, which readers heed; then they are deleted. A crash
 * in between leaves marked rows, which the next trim deletes.
 */
export class Trimmer {
  constructor(
    private readonly context: Context,
    private readonly directory: Directory,
    private readonly ends: Ends,
    private readonly claims: Claims | undefined,
  ) {}

  async trim(timeline: string, cut: Bounds, call: Call): Promise<void> {
    const state = this.context.state(timeline);
    const { seqId: last, found: newest } = await this.ends.tail(state, call);
    if (!newest) return;
    const wanted = 'through' in cut ? cut.through : await this.#belowLast(state, cut.keepLast, call);
    const through = wanted < last ? wanted : last;
    const cuts = await this.#cuts(state, through, call);
    const highest = cuts.at(-1)?.through;
    if (highest === undefined) return;
    if (!this.context.dense) await this.directory.note(timeline, highest, true, call);
    await this.#write(
      cuts.filter(isUnmarked).map((each) => this.#mark(each)),
      call,
    );
    state.front = undefined;
    // The newest row stays: it holds the last SeqId.
    const removable = cuts.filter(
      ({ entries }) => entries[0]?.rowId !== newest.rowId && this.#isRemovable(entries, through),
    );
    await this.#write(
      removable.flatMap(({ entries }) => this.#lessons(state, entries)),
      call,
    );
    await this.#write(
      removable.map(({ record }) => this.#removal(record)),
      call,
    );
  }

  /** The newest id that is not among the last `count` that readers get; 0n if there is none. */
  async #belowLast(state: TimelineState, count: number, call: Call): Promise<bigint> {
    const { requests, tables, layout, rowKey } = this.context;
    const [from, to] = [rowKey(state, MAX), rowKey(state, MIN)];
    let left = count;
    const range = { table: tables.entries, from, to, backward: true, columns: layout.headColumns };
    for await (const rows of requests.pages(range, call)) {
      for (const found of rows.flatMap((row) => this.context.entriesOf(row).reverse())) {
        if (found.gone) return 0n;
        if (left-- === 0) return found.seqId;
      }
    }
    return 0n;
  }

  async #cuts(state: TimelineState, through: bigint, call: Call): Promise<Cut[]> {
    const { requests, tables, layout, rowKey } = this.context;
    const cuts: Cut[] = [];
    if (through < 1n) return cuts;
    const [from, to] = [rowKey(state, MIN), rowKey(state, upTo(through + 1n))];
    for await (const rows of requests.pages({ table: tables.entries, from, to, columns: layout.headColumns }, call)) {
      for (const record of rows) {
        const entries = this.context.entriesOf(record);
        const last = entries.at(-1)?.seqId ?? 0n;
        cuts.push({ entries, record, through: last < through ? last : through });
      }
    }
    return cuts;
  }

  /** Where numbering checks the keys, a row stays until they are forgotten. */
  #isRemovable(entries: readonly Found[], through: bigint): boolean {
    const last = entries.at(-1);
    if (!last || last.seqId > through) return false;
    if (!this.context.dense) return true;
    const forgotten = last.at <= this.context.keysSince();
    return forgotten || entries.every(({ stored }) => stored.key === undefined);
  }

  #mark({ record, through }: Cut): RowWrite {
    const put = [{ name: this.context.layout.trimColumn as string, value: through }];
    const version = this.context.changeVersionOf(record);
    return { table: this.context.tables.entries, key: record.key, type: 'UPDATE', put, version, expect: 'exists' };
  }

  /** Claims must know where their entries were before these are gone: they are not found any more. */
  #lessons(state: TimelineState, entries: readonly Found[]): RowWrite[] {
    const forgotten = this.context.keysSince();
    return entries.flatMap(({ seqId, at, token, stored: { key } }) => {
      if (!this.claims || key === undefined || token === undefined || at <= forgotten) return [];
      return [this.claims.learning({ state, key, token }, seqId)];
    });
  }

  #removal({ key }: StoredRecord): RowWrite {
    return { table: this.context.tables.entries, key, type: 'DELETE' };
  }

  /** Both kinds of write may be repeated; a row that is gone needs neither. */
  async #write(rows: readonly RowWrite[], call: Call): Promise<void> {
    let left = rows;
    for (let attempt = 1; left.length > 0; attempt++) {
      const results = await this.context.requests.write(left, call);
      const failed = results.flatMap((result, i) =>
        result.ok || result.error.failure === 'condition' ? [] : [{ result, i }],
      );
      const [first] = failed;
      if (!first) return;
      const error = toTimelineError(first.result.error, 'write');
      const ms = first.result.error.isPassing ? pauseAfter(attempt, error, call.deadline) : undefined;
      if (ms === undefined) throw error;
      await pause(ms);
      left = failed.map(({ i }) => left[i] as RowWrite);
    }
  }
}

function isUnmarked({ entries, through }: Cut): boolean {
  return entries.some(({ seqId, gone }) => seqId <= through && !gone);
}
