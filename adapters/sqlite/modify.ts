import type { Body, Call, Cut, Payload, Row } from '../../src/adapter.js';
import { entryNotFound, revisionConflict } from '../../src/toolkit/index.js';
import type { SqliteStatement } from './client.js';
import type { Head } from './heads.js';
import type { LibraryContext } from './library.js';

type Stored = [at: bigint, key: string | null, revision: bigint | null, ref: bigint | null, tombstone: bigint];

/** Update, delete and trim: whatever changes what was appended. */
export class Modifier {
  private readonly find: SqliteStatement;
  private readonly replace: SqliteStatement;
  private readonly newestThrough: SqliteStatement;
  private readonly newestButSome: SqliteStatement;

  constructor(private readonly library: LibraryContext) {
    const { database } = library.connection;
    const columns = 'at, key, revision, ref, body IS NULL AND ref IS NULL';
    this.find = database
      .prepare(`SELECT ${columns} FROM timeline_entries WHERE timeline = ? AND seq = ?`)
      .raw()
      .safeIntegers();
    this.replace = database.prepare(
      'UPDATE timeline_entries SET body = ?, ref = NULL, revision = ? WHERE timeline = ? AND seq = ?',
    );
    const newest = 'SELECT seq FROM timeline_entries WHERE timeline = ? AND seq > ?';
    this.newestThrough = database.prepare(`${newest} AND seq <= ? ORDER BY seq DESC LIMIT 1`).pluck().safeIntegers();
    this.newestButSome = database.prepare(`${newest} ORDER BY seq DESC LIMIT 1 OFFSET ?`).pluck().safeIntegers();
  }

  update(
    timeline: string,
    seqId: bigint,
    payload: Payload,
    ifRevision: number | undefined,
    call: Call,
  ): Promise<{ epoch: string; row: Row }> {
    const { connection } = this.library;
    return connection.write(call, () => {
      const head = this.library.heads.get(timeline);
      const entry = this.findLive(head, seqId);
      if (!head || !entry) throw entryNotFound(timeline, seqId);
      const before = Number(entry[2] ?? 0);
      if (ifRevision !== undefined && ifRevision !== before)
        throw revisionConflict(timeline, seqId, { expected: ifRevision, actual: before });
      const revision = this.write(head, seqId, entry, payload.body);
      const row = { seqId, appendedAt: Number(entry[0]), body: payload.body, key: entry[1] ?? undefined, revision };
      return { epoch: connection.epoch, row };
    });
  }

  delete(timeline: string, seqId: bigint, call: Call): Promise<void> {
    return this.library.connection.write(call, () => {
      const head = this.library.heads.get(timeline);
      const entry = this.findLive(head, seqId);
      if (head && entry) this.write(head, seqId, entry, null);
    });
  }

  /** Raises the floor, which is all that readers see, and leaves the rows below it to the sweeper. */
  async trim(timeline: string, cut: Cut, call: Call): Promise<void> {
    const { connection, heads, removal, sweeper } = this.library;
    const cutOff = await connection.write(call, () => {
      const head = heads.get(timeline);
      if (!head) return false;
      const seq =
        'through' in cut
          ? this.newestThrough.get(head.id, head.floor, cut.through)
          : this.newestButSome.get(head.id, head.floor, cut.keepLast);
      if (seq === undefined || seq === null) return false;
      removal.raiseFloor(timeline, head.id, seq as bigint);
      return true;
    });
    if (cutOff) sweeper.hurry();
  }

  private findLive(head: Head | undefined, seqId: bigint): Stored | undefined {
    if (!head || seqId <= head.floor) return undefined;
    const entry = this.find.get(head.id, seqId) as Stored | undefined;
    return entry && !entry[4] && Number(entry[0]) > this.library.state.cutoff() ? entry : undefined;
  }

  private write(head: Head, seqId: bigint, [, , revision, ref]: Stored, body: Body | null): number {
    const next = Number(revision ?? 0) + 1;
    this.replace.run(body, next, head.id, seqId);
    if (ref !== null) this.library.removal.release(ref, 1);
    return next;
  }
}
