import type { BetterSqlite3Database, SqliteStatement } from '../file/client.js';
import type { HeadMemory } from '../heads.js';

/** Rows that one transaction may remove: a few milliseconds. */
export const MOST_REMOVED = 500;

/** The physical side of trimming and expiry. All of it runs inside a write transaction. */
export class Removal {
  private readonly setFloor: SqliteStatement;
  private readonly below: SqliteStatement;
  private readonly pointersBelow: SqliteStatement;
  private readonly remove: SqliteStatement;
  private readonly countDown: SqliteStatement;
  private readonly removeBody: SqliteStatement;

  constructor(
    database: BetterSqlite3Database,
    private readonly heads: HeadMemory,
  ) {
    const rows = 'FROM timeline_entries WHERE timeline = ? AND seq <= ?';
    const at = '(SELECT at FROM timeline_entries WHERE timeline = timeline_timelines.id AND seq = ?)';
    this.setFloor = database.prepare(`UPDATE timeline_timelines SET floor = ?, floor_at = ${at} WHERE id = ?`);
    this.below = database.prepare(`SELECT seq ${rows} ORDER BY seq LIMIT 1 OFFSET ?`).pluck().safeIntegers();
    this.pointersBelow = database
      .prepare(`SELECT ref, count(*) ${rows} AND ref IS NOT NULL GROUP BY ref`)
      .raw()
      .safeIntegers();
    this.remove = database.prepare(`DELETE ${rows}`);
    this.countDown = database.prepare('UPDATE timeline_bodies SET refs = refs - ? WHERE id = ?');
    this.removeBody = database.prepare('DELETE FROM timeline_bodies WHERE id = ? AND refs <= 0');
  }

  /** `seq` must be an entry above the present floor. */
  raiseFloor(name: string, timeline: number, seq: bigint): void {
    this.setFloor.run(seq, seq, timeline);
    this.heads.forget(name);
  }

  /** Removes up to `most` of the oldest rows at or below the floor; answers how many. */
  removeThrough(timeline: number, floor: bigint, most = MOST_REMOVED): number {
    const end = (this.below.get(timeline, floor, most - 1) ?? floor) as bigint;
    for (const [ref, count] of this.pointersBelow.all(timeline, end) as [bigint, bigint][]) this.release(ref, count);
    const { changes } = this.remove.run(timeline, end);
    return changes;
  }

  /** The last entry that points to a shared body takes it along. */
  release(ref: bigint, count: number | bigint): void {
    this.countDown.run(count, ref);
    this.removeBody.run(ref);
  }
}
