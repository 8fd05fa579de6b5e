import type { LibraryClock } from '../../../src/adapter.js';
import type { BetterSqlite3Database, SqliteStatement } from '../file/client.js';

/** Timelines or keys per query, after each of which the time is checked. */
const PER_QUERY = 100;

/**
 * Removes the idempotency keys of one library that are older than the key window, Timeline by Timeline, and corrects
 * times of the future.
 */
export class KeySweep {
  readonly #library: number;
  readonly #clock: LibraryClock;
  readonly #timelines: SqliteStatement;
  readonly #keys: SqliteStatement;
  readonly #remove: SqliteStatement;
  readonly #setTime: SqliteStatement;
  /** Where the pass continues: behind `afterKey` in the current Timeline, then behind the Timeline `#afterName`. */
  #afterName = '';
  #current: { readonly id: number; readonly name: string; afterKey: string } | undefined;

  constructor(database: BetterSqlite3Database, library: number, clock: LibraryClock) {
    this.#library = library;
    this.#clock = clock;
    this.#timelines = database
      .prepare(
        `SELECT name, id FROM timeline_timelines WHERE library = ? AND name > ? ORDER BY name LIMIT ${PER_QUERY}`,
      )
      .raw();
    this.#keys = database
      .prepare(`SELECT key, at FROM timeline_keys WHERE timeline = ? AND key > ? ORDER BY key LIMIT ${PER_QUERY}`)
      .raw();
    this.#remove = database.prepare('DELETE FROM timeline_keys WHERE timeline = ? AND key = ?');
    this.#setTime = database.prepare('UPDATE timeline_keys SET at = ? WHERE timeline = ? AND key = ?');
  }

  /**
   * Works until `until` (`performance.now()`). Returns true at the end of a pass. Call it inside a write transaction.
   */
  step(cutoff: number, until: number): boolean {
    do {
      if (this.#current) {
        this.#sweepCurrent(cutoff, until);
        continue;
      }
      const rows = this.#timelines.all(this.#library, this.#afterName) as [name: string, id: number][];
      for (const [name, id] of rows) {
        this.#current = { id, name, afterKey: '' };
        this.#sweepCurrent(cutoff, until);
        if (this.#current || performance.now() > until) return false;
      }
      if (rows.length < PER_QUERY) {
        this.#afterName = '';
        return true;
      }
    } while (performance.now() <= until);
    return false;
  }

  #sweepCurrent(cutoff: number, until: number): void {
    const current = this.#current!;
    for (;;) {
      const rows = this.#keys.all(current.id, current.afterKey) as [key: string, at: number][];
      for (const [key, at] of rows) {
        if (at <= cutoff) this.#remove.run(current.id, key);
        else if (this.#clock.isFuture(at)) this.#setTime.run(this.#clock.expiryTime(), current.id, key);
        current.afterKey = key;
      }
      if (rows.length < PER_QUERY) {
        this.#afterName = current.name;
        this.#current = undefined;
        return;
      }
      if (performance.now() > until) return;
    }
  }
}
