import { MAX_SEQ_ID } from '../../../src/cursor.js';
import type { BetterSqlite3Database, SqliteStatement } from '../file/client.js';
import { MAX_REMOVED, type Removal } from './removal.js';

/** Removes the entries and keys of Timelines that were dropped. Call it inside a write transaction. */
export class DroppedTimelines {
  readonly #library: number;
  readonly #removal: Removal;
  readonly #next: SqliteStatement;
  readonly #removeKeys: SqliteStatement;
  readonly #removeAncestors: SqliteStatement;
  readonly #forget: SqliteStatement;

  constructor(database: BetterSqlite3Database, library: number, removal: Removal) {
    this.#library = library;
    this.#removal = removal;
    this.#next = database.prepare('SELECT id FROM timeline_dropped WHERE library = ? LIMIT 1').pluck();
    this.#removeKeys = database.prepare(
      `DELETE FROM timeline_keys WHERE (timeline, key) IN
       (SELECT timeline, key FROM timeline_keys WHERE timeline = ? LIMIT ${MAX_REMOVED})`,
    );
    this.#removeAncestors = database.prepare('DELETE FROM timeline_ancestors WHERE timeline = ?');
    this.#forget = database.prepare('DELETE FROM timeline_dropped WHERE id = ?');
  }

  /** Works until `until` (`performance.now()`). Returns true once nothing is left. */
  step(until: number): boolean {
    do {
      const id = this.#next.get(this.#library) as number | undefined;
      if (id === undefined) return true;
      if (this.#removal.removeThrough(id, MAX_SEQ_ID) >= MAX_REMOVED) continue;
      if (this.#removeKeys.run(id).changes >= MAX_REMOVED) continue;
      this.#removeAncestors.run(id);
      this.#forget.run(id);
    } while (performance.now() <= until);
    return false;
  }
}
