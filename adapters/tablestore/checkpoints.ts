import type { AdapterCheckpoints, Call, CheckpointKey, Position } from '../../src/adapter.js';
import { furtherPosition, jitter, pause } from '../../src/toolkit/index.js';
import type { Context } from './context.js';
import { toTimelineError } from './service/errors.js';
import type { RowWrite } from './service/requests.js';
import { type ColumnTest, columnOf, type StoredRecord } from './service/values.js';

/** Longest pause after another process has moved a checkpoint first. */
const MAX_CONFLICT_PAUSE_MS = 20;

type Advance = CheckpointKey & Position;
type Reset = CheckpointKey & { readonly position: Position | undefined };

/** Readers' positions: one row of the meta table each, which advances under the condition that it moves forward. */
export class Checkpoints implements AdapterCheckpoints {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async get(keys: readonly CheckpointKey[], call: Call): Promise<readonly (Position | undefined)[]> {
    const rows = await this.#context.requests.get(this.#context.tables.meta, keys.map(rowKey), call);
    return rows.map((row) => row && toPosition(row));
  }

  async advance(items: readonly Advance[], call: Call): Promise<readonly Position[]> {
    const positions = new Map<Advance, Position>();
    for (const round of distinctRounds(items)) {
      for (let left = round; left.length > 0; ) {
        left = await this.#advance(left, positions, call);
        if (left.length > 0) await pause(jitter(MAX_CONFLICT_PAUSE_MS, 1));
      }
    }
    return items.map((item) => positions.get(item) as Position);
  }

  /** Resolves with the items to try again: a position further on was in the way, and was gone when it was read. */
  async #advance(items: readonly Advance[], positions: Map<Advance, Position>, call: Call): Promise<Advance[]> {
    const rows = items.map((item): RowWrite => {
      const condition: ColumnTest[] = [
        { column: 'epoch', is: 'EQUAL', value: item.epoch, passIfMissing: true },
        { column: 'seq', is: 'LESS_THAN', value: item.seqId, passIfMissing: true },
      ];
      return { ...this.#put(item, item), condition };
    });
    const results = await this.#context.requests.write(rows, call);
    const refused = items.filter((item, i) => {
      const result = results[i];
      if (result?.ok) positions.set(item, { epoch: item.epoch, seqId: item.seqId });
      else if (result && (result.error.failure !== 'condition' || performance.now() >= call.deadline)) {
        throw toTimelineError(result.error, 'write');
      }
      return !result?.ok;
    });
    const storedPositions = refused.length > 0 ? await this.get(refused, call) : [];
    return refused.filter((item, i) => {
      const stored = storedPositions[i];
      if (!stored || furtherPosition(item, stored, item) !== stored) return true;
      positions.set(item, stored);
      return false;
    });
  }

  #put(item: CheckpointKey, { epoch, seqId }: Position): RowWrite {
    const put = [
      { name: 'epoch', value: epoch },
      { name: 'seq', value: seqId },
    ];
    return { table: this.#context.tables.meta, key: rowKey(item), type: 'PUT', put };
  }

  async reset(items: readonly Reset[], call: Call): Promise<void> {
    const { requests, tables } = this.#context;
    for (const round of distinctRounds(items)) {
      const rows = round.map(
        ({ position, ...item }): RowWrite =>
          position ? this.#put(item, position) : { table: tables.meta, key: rowKey(item), type: 'DELETE' },
      );
      for (const result of await requests.write(rows, call)) {
        if (!result.ok) throw toTimelineError(result.error, 'write');
      }
    }
  }
}

/** Rounds that name no checkpoint twice: the service refuses a request that does. */
function distinctRounds<Item extends CheckpointKey>(items: readonly Item[]): Item[][] {
  const rounds: Item[][] = [];
  const occurrences = new Map<string, number>();
  for (const item of items) {
    const name = JSON.stringify(rowKey(item));
    const occurrence = occurrences.get(name) ?? 0;
    occurrences.set(name, occurrence + 1);
    if (occurrence === rounds.length) rounds.push([]);
    rounds[occurrence]?.push(item);
  }
  return rounds;
}

/** The Timeline's own row has the empty name. */
function rowKey({ timeline, reader }: CheckpointKey): readonly [string, string] {
  return [timeline, `r:${reader}`];
}

function toPosition({ columns }: StoredRecord): Position {
  return { epoch: String(columnOf(columns, 'epoch')), seqId: columnOf(columns, 'seq') as bigint };
}
