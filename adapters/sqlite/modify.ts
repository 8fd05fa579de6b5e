import type { Body, Call, Cut, Payload, Row } from '../../src/adapter.js';
import { entryNotFound, revisionConflict } from '../../src/toolkit/index.js';
import type { SqliteStatement } from './file/client.js';
import type { StoredHead } from './heads.js';
import type { LibraryContext } from './library-context.js';
import type { LibrarySweeper } from './sweep/library-sweeper.js';

type StoredEntry = [at: bigint, key: string | null, revision: bigint | null, ref: bigint | null, tombstone: bigint];

/** Changes appended entries: update, delete and trim. */
export class Modifier {
  readonly #library: LibraryContext;
  readonly #sweeper: LibrarySweeper;
  readonly #find: SqliteStatement;
  readonly #replace: SqliteStatement;
  readonly #newestThrough: SqliteStatement;
  readonly #newestBeforeKept: SqliteStatement;

  constructor(library: LibraryContext, sweeper: LibrarySweeper) {
    this.#library = library;
    this.#sweeper = sweeper;
    const { database } = library.connection;
    const columns = 'at, key, revision, ref, body IS NULL AND ref IS NULL';
    this.#find = database
      .prepare(`SELECT ${columns} FROM timeline_entries WHERE timeline = ? AND seq = ?`)
      .raw()
      .safeIntegers();
    this.#replace = database.prepare(
      'UPDATE timeline_entries SET body = ?, ref = NULL, revision = ? WHERE timeline = ? AND seq = ?',
    );
    const newest = 'SELECT seq FROM timeline_entries WHERE timeline = ? AND seq > ?';
    this.#newestThrough = database.prepare(`${newest} AND seq <= ? ORDER BY seq DESC LIMIT 1`).pluck().safeIntegers();
    this.#newestBeforeKept = database.prepare(`${newest} ORDER BY seq DESC LIMIT 1 OFFSET ?`).pluck().safeIntegers();
  }

  update(
    timeline: string,
    seqId: bigint,
    payload: Payload,
    ifRevision: number | undefined,
    call: Call,
  ): Promise<{ epoch: string; row: Row }> {
    const { connection } = this.#library;
    return connection.write(call, () => {
      const head = this.#library.heads.get(timeline);
      const entry = this.#findVisible(head, seqId);
      if (!head || !entry) throw entryNotFound(timeline, seqId);
      const before = Number(entry[2] ?? 0);
      if (ifRevision !== undefined && ifRevision !== before)
        throw revisionConflict(timeline, seqId, { expected: ifRevision, actual: before });
      const revision = this.#write(head, seqId, entry, payload.body);
      const row = { seqId, appendedAt: Number(entry[0]), body: payload.body, key: entry[1] ?? undefined, revision };
      return { epoch: head.epoch ?? connection.epoch, row };
    });
  }

  delete(timeline: string, seqId: bigint, call: Call): Promise<void> {
    return this.#library.connection.write(call, () => {
      const head = this.#library.heads.get(timeline);
      const entry = this.#findVisible(head, seqId);
      if (head && entry) this.#write(head, seqId, entry, null);
    });
  }

  /** Raises the floor, which hides the rows at once, and leaves removing them to the sweeper. */
  async trim(timeline: string, cut: Cut, call: Call): Promise<void> {
    const { connection, heads, removal } = this.#library;
    const hasTrimmed = await connection.write(call, () => {
      const head = heads.get(timeline);
      if (!head) return false;
      const seq =
        'through' in cut
          ? this.#newestThrough.get(head.id, head.floor, cut.through)
          : this.#newestBeforeKept.get(head.id, head.floor, cut.keepLast);
      if (seq === undefined || seq === null) return false;
      removal.raiseFloor(timeline, head.id, seq as bigint);
      return true;
    });
    if (hasTrimmed) this.#sweeper.hurry();
  }

  #findVisible(head: StoredHead | undefined, seqId: bigint): StoredEntry | undefined {
    if (!head || seqId <= head.floor) return undefined;
    const entry = this.#find.get(head.id, seqId) as StoredEntry | undefined;
    return entry && !entry[4] && Number(entry[0]) > this.#library.state.cutoff() ? entry : undefined;
  }

  #write(head: StoredHead, seqId: bigint, [, , revision, ref]: StoredEntry, body: Body | null): number {
    const next = Number(revision ?? 0) + 1;
    this.#replace.run(body, next, head.id, seqId);
    if (ref !== null) this.#library.removal.release(ref, 1);
    return next;
  }
}
