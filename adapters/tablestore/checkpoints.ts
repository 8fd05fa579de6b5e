import type { AdapterCheckpoints, Call, CheckpointKey, Position } from '../../src/adapter.js';
import { furtherPosition, jitter, pause } from '../../src/toolkit/index.js';
import type { Context } from './context.js';
import { toTimelineError } from './service/errors.js';
import type { RowWrite } from './service/requests.js';
import { columnOf, type StoredRecord } from './service/values.js';

/** Longest pause after another process has moved a checkpoint first. */
const MAX_CONFLICT_PAUSE_MS = 20;

type Advance = CheckpointKey & Position;

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
    const positions = new Array<Position>(items.length);
    for (const round of distinctRounds(items)) {
      let left = round;
      while (left.length > 0) {
        left = await this.#advance(items, left, positions, call);
        if (left.length > 0) await pause(jitter(MAX_CONFLICT_PAUSE_MS, 1));
      }
    }
    return positions;
  }

  /** Resolves with the indexes to try again: a position further on was in the way, and was gone when it was read. */
  async #advance(
    items: readonly Advance[],
    indexes: readonly number[],
    positions: Position[],
    call: Call,
  ): Promise<number[]> {
    const item = (index: number) => items[index] as Advance;
    const rows = indexes.map((index) => this.#forward(item(index)));
    const results = await this.#context.requests.write(rows, call);
    const refused = indexes.filter((index, i) => {
      const result = results[i];
      if (result?.ok) positions[index] = { epoch: item(index).epoch, seqId: item(index).seqId };
      else if (result && (result.error.failure !== 'condition' || performance.now() >= call.deadline)) {
        throw toTimelineError(result.error, 'write');
      }
      return !result?.ok;
    });
    const storedPositions = refused.length > 0 ? await this.get(refused.map(item), call) : [];
    return refused.filter((index, i) => {
      const stored = storedPositions[i];
      if (!stored || furtherPosition(item(index), stored, item(index)) !== stored) return true;
      positions[index] = stored;
      return false;
    });
  }

  #forward(item: Advance): RowWrite {
    const { epoch, seqId } = item;
    const condition = [
      { column: 'epoch', is: 'EQUAL', value: epoch, passIfMissing: true },
      { column: 'seq', is: 'LESS_THAN', value: seqId, passIfMissing: true },
    ] as const;
    return { ...this.#put(item, item), condition };
  }

  #put(item: CheckpointKey, { epoch, seqId }: Position): RowWrite {
    const put = [
      { name: 'epoch', value: epoch },
      { name: 'seq', value: seqId },
    ];
    return { table: this.#context.tables.meta, key: rowKey(item), type: 'PUT', put };
  }

  async reset(
    items: readonly (CheckpointKey & { readonly position: Position | undefined })[],
    call: Call,
  ): Promise<void> {
    for (const round of distinctRounds(items)) {
      const rows = round.map((index): RowWrite => {
        const { position, ...item } = items[index] as (typeof items)[number];
        if (position) return this.#put(item, position);
        return { table: this.#context.tables.meta, key: rowKey(item), type: 'DELETE' };
      });
      for (const result of await this.#context.requests.write(rows, call)) {
        if (!result.ok) throw toTimelineError(result.error, 'write');
      }
    }
  }
}

/** Indexes in rounds that name no checkpoint twice: the service refuses a request that does. */
function distinctRounds(items: readonly CheckpointKey[]): number[][] {
  const rounds: number[][] = [];
  const occurrences = new Map<string, number>();
  items.forEach((item, index) => {
    const name = JSON.stringify(rowKey(item));
    const occurrence = occurrences.get(name) ?? 0;
    occurrences.set(name, occurrence + 1);
    if (occurrence === rounds.length) rounds.push([]);
    rounds[occurrence]?.push(index);
  });
  return rounds;
}

/** The Timeline's own row has the empty name. */
function rowKey({ timeline, reader }: CheckpointKey): readonly [string, string] {
  return [timeline, `r:${reader}`];
}

function toPosition({ columns }: StoredRecord): Position {
  return { epoch: String(columnOf(columns, 'epoch')), seqId: columnOf(columns, 'seq') as bigint };
}
