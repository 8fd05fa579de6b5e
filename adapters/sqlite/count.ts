import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Call, Count, CountRange } from '../../src/adapter.js';
import { RangeCount } from '../../src/toolkit/index.js';
import type { SqliteStatement } from './file/client.js';
import { busy } from './file/sqlite-errors.js';
import type { LibraryContext } from './library-context.js';
import type { Reader } from './read.js';

/** A transaction holds the event loop about this long; then the count goes on in another one. */
const SLICE_MS = 4;
const ROWS_PER_STATEMENT = 2000;

type Counted = [rows: bigint, kept: bigint, last: bigint | null];

/** Counts entries along the index of SeqIds, from one snapshot unless that takes too long. */
export class Counter {
  readonly #library: LibraryContext;
  readonly #reader: Reader;
  readonly #rows: SqliteStatement;

  constructor(library: LibraryContext, reader: Reader) {
    this.#library = library;
    this.#reader = reader;
    // `typeof` looks at the header of a row: `IS NOT NULL` would load the whole body.
    const isKept = "(typeof(body) <> 'null' OR ref IS NOT NULL)";
    const within = 'timeline = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?';
    const rows = `SELECT seq, ${isKept} AS kept FROM timeline_entries WHERE ${within}`;
    this.#rows = library.connection.database
      .prepare(`SELECT count(*), coalesce(sum(kept), 0), max(seq) FROM (${rows})`)
      .raw()
      .safeIntegers();
  }

  async count(ranges: readonly CountRange[], call: Call): Promise<Count[]> {
    const all = ranges.map((range) => new RangeCount(range));
    for (;;) {
      await this.#library.connection.read(call, () => this.#countSlice(all));
      if (all.every(({ isDone }) => isDone)) return all.map(({ result }) => result);
      if (performance.now() >= call.deadline)
        throw busy('counting so many entries takes longer than the budget: give atMost');
      await nextTurn();
    }
  }

  #countSlice(all: readonly RangeCount[]): void {
    const until = performance.now() + SLICE_MS;
    const left = all.filter(({ isDone }) => !isDone);
    const heads = this.#library.heads.getAll(left.map(({ range }) => range.timeline));
    const cutoff = this.#library.state.cutoff();
    for (const [i, progress] of left.entries()) {
      const head = heads[i];
      const hidden = head ? this.#reader.hiddenThrough(head, cutoff) : 0n;
      progress.head ??= this.#reader.headOf(head, hidden);
      if (hidden > (progress.after ?? 0n)) progress.after = hidden;
      const { before } = progress.range;
      const last = head?.last ?? 0n;
      const high = before === undefined || before > last ? last : before - 1n;
      while (!progress.isDone) {
        this.#countRows(progress, head?.id ?? 0, high);
        if (performance.now() >= until) return;
      }
    }
  }

  #countRows(progress: RangeCount, id: number, high: bigint): void {
    const limit = Math.min(ROWS_PER_STATEMENT, progress.left);
    const after = progress.after ?? 0n;
    if (after < high) {
      const [rows, kept, last] = this.#rows.get(id, after, high, limit) as Counted;
      progress.count += Number(kept);
      if (last !== null) progress.after = last;
      if (Number(rows) === limit && progress.left > 0) return;
    }
    progress.isDone = true;
  }
}
