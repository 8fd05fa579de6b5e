import type { LibraryClock } from '../../src/adapter.js';
import type { BetterSqlite3Database, SqliteStatement } from './client.js';
import type { HeadMemory } from './heads.js';

/** Entries that one transaction may set right: a few milliseconds. */
const MOST_HEALED = 500;

type Moment = [seq: bigint, at: bigint];

/**
 * Sets times right that only a wrong clock can have given: they would keep their Timeline from expiring. They stand together,
 * as times never fall; so this goes down from the newest of them, in steps, and gives each the time of the entry above.
 * Inside write transactions.
 */
export class Healing {
  readonly #heads: HeadMemory;
  readonly #clock: LibraryClock;
  readonly #down: SqliteStatement;
  readonly #above: SqliteStatement;
  readonly #setTimes: SqliteStatement;
  readonly #setRest: SqliteStatement;

  constructor(database: BetterSqlite3Database, heads: HeadMemory, clock: LibraryClock) {
    this.#heads = heads;
    this.#clock = clock;
    const moments = 'SELECT seq, at FROM timeline_entries WHERE timeline = ?';
    this.#down = database
      .prepare(`${moments} AND seq <= ? ORDER BY seq DESC LIMIT ${MOST_HEALED + 1}`)
      .raw()
      .safeIntegers();
    this.#above = database.prepare(`${moments} AND seq > ? ORDER BY seq LIMIT 1`).raw().safeIntegers();
    this.#setTimes = database.prepare(
      'UPDATE timeline_entries SET at = ? WHERE timeline = ? AND seq >= ? AND seq <= ?',
    );
    this.#setRest = database.prepare('UPDATE timeline_timelines SET heal_to = ? WHERE id = ?');
  }

  /** One step, from this entry down. Leaves in the file how far it has come. */
  step(name: string, timeline: number, through: bigint): void {
    const rows = this.#down.all(timeline, through) as Moment[];
    const sane = rows.findIndex(([, at]) => !this.#clock.isFuture(Number(at)));
    const poisoned = sane < 0 ? rows.slice(0, MOST_HEALED) : rows.slice(0, sane);
    const lowest = poisoned.at(-1)?.[0];
    if (lowest !== undefined)
      this.#setTimes.run(this.#timeFor(timeline, through, rows[sane]), timeline, lowest, through);
    const isDone = sane >= 0 || rows.length <= MOST_HEALED;
    this.#setRest.run(isDone || lowest === undefined ? null : lowest - 1n, timeline);
    this.#heads.forget(name);
  }

  #timeFor(timeline: number, through: bigint, below: Moment | undefined): number {
    const above = this.#above.get(timeline, through) as Moment | undefined;
    if (above && !this.#clock.isFuture(Number(above[1]))) return Number(above[1]);
    return this.#clock.entryTime(below && Number(below[1]));
  }
}
