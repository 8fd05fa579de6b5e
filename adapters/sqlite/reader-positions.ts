import type { AdapterCheckpoints, Call, CheckpointKey, Position } from '../../src/adapter.js';
import { furtherPosition } from '../../src/toolkit/index.js';
import type { SqliteStatement } from './file/client.js';
import type { LibraryContext } from './library-context.js';

type PositionRow = [epoch: string, seq: bigint];

/**
 * Readers' positions, compared and set inside one write transaction. The table names Timelines by their ids, as a
 * Timeline may have readers before its first entry.
 */
export class ReaderPositions implements AdapterCheckpoints {
  readonly #library: LibraryContext;
  readonly #find: SqliteStatement;
  readonly #put: SqliteStatement;
  readonly #remove: SqliteStatement;

  constructor(library: LibraryContext) {
    this.#library = library;
    const { database } = library.connection;
    const one = 'library = ? AND timeline = ? AND reader = ?';
    const insert = 'INSERT INTO timeline_checkpoints (library, timeline, reader, epoch, seq) VALUES (?, ?, ?, ?, ?)';
    const conflict = 'ON CONFLICT (library, timeline, reader) DO UPDATE SET';
    this.#find = database.prepare(`SELECT epoch, seq FROM timeline_checkpoints WHERE ${one}`).raw().safeIntegers();
    this.#put = database.prepare(`${insert} ${conflict} epoch = excluded.epoch, seq = excluded.seq`);
    this.#remove = database.prepare(`DELETE FROM timeline_checkpoints WHERE ${one}`);
  }

  get(keys: readonly CheckpointKey[], call: Call): Promise<(Position | undefined)[]> {
    return this.#library.connection.read(call, () => keys.map((key) => this.#position(key)));
  }

  advance(items: readonly (CheckpointKey & Position)[], call: Call): Promise<Position[]> {
    return this.#library.connection.write(call, () =>
      items.map((item) => {
        const { timeline, reader } = item;
        const stored = this.#position(item);
        const present = this.#library.heads.get(timeline)?.epoch;
        const position = furtherPosition(item, stored, this.#inPresentEpoch(timeline, item), present);
        if (position === stored) return position;
        this.#put.run(this.#library.id, timeline, reader, position.epoch, position.seqId);
        return { epoch: position.epoch, seqId: position.seqId };
      }),
    );
  }

  reset(items: readonly (CheckpointKey & { readonly position: Position | undefined })[], call: Call): Promise<void> {
    return this.#library.connection.write(call, () => {
      for (const { timeline, reader, position } of items) {
        if (position) this.#put.run(this.#library.id, timeline, reader, position.epoch, position.seqId);
        else this.#remove.run(this.#library.id, timeline, reader);
      }
    });
  }

  #position({ timeline, reader }: CheckpointKey): Position | undefined {
    const row = this.#find.get(this.#library.id, timeline, reader) as PositionRow | undefined;
    return row && this.#inPresentEpoch(timeline, { epoch: row[0], seqId: row[1] });
  }

  /** Translates a position of an epoch before a restore to the present one, if its entry is still the same. */
  #inPresentEpoch(timeline: string, position: Position): Position {
    const { connection, heads } = this.#library;
    const head = heads.get(timeline);
    const epoch = head?.epoch ?? connection.epoch;
    if (position.epoch === epoch) return position;
    const known = head && connection.ancestors.of(head.id);
    const isSame = known?.some((ancestor) => ancestor.epoch === position.epoch && ancestor.seqId >= position.seqId);
    return isSame ? { epoch, seqId: position.seqId } : position;
  }
}
