import type { LibraryClock } from '../../../src/adapter.js';
import type { BetterSqlite3Database, SqliteStatement } from '../file/client.js';
import type { HeadCache } from '../heads.js';

/** Entries that one transaction corrects at most, which takes a few milliseconds. */
const MAX_CORRECTED = 500;

type SeqAndTime = [seq: bigint, at: bigint];

/**
 * Corrects entry times of the future, which only a wrong clock can have given: they would keep their Timeline from
 * expiring. Times never fall along a Timeline, so such entries stand together; this goes down from the newest of them
 * in steps, and gives each the time of the entry above. Call it inside a write transaction.
 */
export class FutureTimes {
  readonly #heads: HeadCache;
  readonly #clock: LibraryClock;
  readonly #down: SqliteStatement;
  readonly #above: SqliteStatement;
  readonly #setTimes: SqliteStatement;
  readonly #noteRest: SqliteStatement;

  constructor(database: BetterSqlite3Database, heads: HeadCache, clock: LibraryClock) {
    this.#heads = heads;
    this.#clock = clock;
    const entries = 'SELECT seq, at FROM timeline_entries WHERE timeline = ?';
    this.#down = database
      .prepare(`${entries} AND seq <= ? ORDER BY seq DESC LIMIT ${MAX_CORRECTED + 1}`)
      .raw()
      .safeIntegers();
    this.#above = database.prepare(`${entries} AND seq > ? ORDER BY seq LIMIT 1`).raw().safeIntegers();
    this.#setTimes = database.prepare(
      'UPDATE timeline_entries SET at = ? WHERE timeline = ? AND seq >= ? AND seq <= ?',
    );
    this.#noteRest = database.prepare('UPDATE timeline_timelines SET heal_to = ? WHERE id = ?');
  }

  /** Corrects one step's worth of entries from `through` down, and notes in the file where the next step begins. */
  correct(name: string, timeline: number, through: bigint): void {
    const rows = this.#down.all(timeline, through) as SeqAndTime[];
    const firstRight = rows.findIndex(([, at]) => !this.#clock.isFuture(Number(at)));
    const wrong = firstRight < 0 ? rows.slice(0, MAX_CORRECTED) : rows.slice(0, firstRight);
    const lowest = wrong.at(-1)?.[0];
    if (lowest !== undefined)
      this.#setTimes.run(this.#timeFor(timeline, through, rows[firstRight]), timeline, lowest, through);
    const isDone = firstRight >= 0 || rows.length <= MAX_CORRECTED;
    this.#noteRest.run(isDone || lowest === undefined ? null : lowest - 1n, timeline);
    this.#heads.forget(name);
  }

  #timeFor(timeline: number, through: bigint, below: SeqAndTime | undefined): number {
    const above = this.#above.get(timeline, through) as SeqAndTime | undefined;
    if (above && !this.#clock.isFuture(Number(above[1]))) return Number(above[1]);
    return this.#clock.entryTime(below && Number(below[1]));
  }
}
