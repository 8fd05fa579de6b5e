import { randomUUID } from 'node:crypto';
import type { Call } from '../../src/adapter.js';
import type { SqliteStatement } from './file/client.js';
import type { LibraryContext } from './library-context.js';
import type { LibrarySweeper } from './sweep/library-sweeper.js';

/**
 * Drops Timelines: the row of a Timeline gets a new number and an epoch of its own, in one transaction. The rows with
 * the old number belong to no Timeline from then on, and the sweeper removes them.
 */
export class Dropper {
  readonly #library: LibraryContext;
  readonly #sweeper: LibrarySweeper;
  readonly #noteOldNumber: SqliteStatement;
  readonly #beginAnew: SqliteStatement;
  readonly #removePositions: SqliteStatement;

  constructor(library: LibraryContext, sweeper: LibrarySweeper) {
    this.#library = library;
    this.#sweeper = sweeper;
    const { database } = library.connection;
    this.#noteOldNumber = database.prepare('INSERT INTO timeline_dropped (id, library) VALUES (?, ?)');
    // No row of a Timeline is ever removed, so that the highest number is above all that are left to remove.
    this.#beginAnew = database.prepare(
      `UPDATE timeline_timelines SET id = (SELECT max(id) + 1 FROM timeline_timelines), epoch = ?,
       floor = 0, floor_at = 0, heal_to = NULL WHERE id = ?`,
    );
    this.#removePositions = database.prepare('DELETE FROM timeline_checkpoints WHERE library = ? AND timeline = ?');
  }

  async drop(timeline: string, call: Call): Promise<void> {
    const { connection, heads, id, commitWatch } = this.#library;
    const hasDropped = await connection.write(call, () => {
      this.#removePositions.run(id, timeline);
      const head = heads.get(timeline);
      if (!head || head.last === 0n) return false;
      this.#noteOldNumber.run(head.id, id);
      this.#beginAnew.run(randomUUID(), head.id);
      heads.forget(timeline);
      return true;
    });
    if (!hasDropped) return;
    this.#sweeper.hurry();
    commitWatch.wake(id, timeline);
  }
}
