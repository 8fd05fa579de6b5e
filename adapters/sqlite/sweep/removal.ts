import type { BetterSqlite3Database, SqliteStatement } from '../file/client.js';
import type { HeadCache } from '../heads.js';

/** Rows that one transaction removes at most, which takes a few milliseconds. */
export const MAX_REMOVED = 500;

/** Raises floors and removes the rows below them. Call it inside a write transaction. */
export class Removal {
  readonly #heads: HeadCache;
  readonly #setFloor: SqliteStatement;
  readonly #below: SqliteStatement;
  readonly #pointersBelow: SqliteStatement;
  readonly #remove: SqliteStatement;
  readonly #countDown: SqliteStatement;
  readonly #removeBody: SqliteStatement;

  constructor(database: BetterSqlite3Database, heads: HeadCache) {
    this.#heads = heads;
    const rows = 'FROM timeline_entries WHERE timeline = ? AND seq <= ?';
    const at = '(SELECT at FROM timeline_entries WHERE timeline = timeline_timelines.id AND seq = ?)';
    this.#setFloor = database.prepare(`UPDATE timeline_timelines SET floor = ?, floor_at = ${at} WHERE id = ?`);
    this.#below = database.prepare(`SELECT seq ${rows} ORDER BY seq LIMIT 1 OFFSET ?`).pluck().safeIntegers();
    this.#pointersBelow = database
      .prepare(`SELECT ref, count(*) ${rows} AND ref IS NOT NULL GROUP BY ref`)
      .raw()
      .safeIntegers();
    this.#remove = database.prepare(`DELETE ${rows}`);
    this.#countDown = database.prepare('UPDATE timeline_bodies SET refs = refs - ? WHERE id = ?');
    this.#removeBody = database.prepare('DELETE FROM timeline_bodies WHERE id = ? AND refs <= 0');
  }

  /** `seq` must be an entry above the present floor. */
  raiseFloor(name: string, timeline: number, seq: bigint): void {
    this.#setFloor.run(seq, seq, timeline);
    this.#heads.forget(name);
  }

  /** Removes the oldest rows at or below the floor, at most `max`. Returns how many. */
  removeThrough(timeline: number, floor: bigint, max = MAX_REMOVED): number {
    const end = (this.#below.get(timeline, floor, max - 1) ?? floor) as bigint;
    for (const [ref, count] of this.#pointersBelow.all(timeline, end) as [bigint, bigint][]) this.release(ref, count);
    const { changes } = this.#remove.run(timeline, end);
    return changes;
  }

  /** Forgets `count` pointers to a shared body, and the body with the last one. */
  release(ref: bigint, count: number | bigint): void {
    this.#countDown.run(count, ref);
    this.#removeBody.run(ref);
  }
}
