import type { AdapterCheckpoints, Call, CheckpointKey, Position } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import { pause } from '../../src/retry.js';
import type { Context } from './context.js';
import { toTimelineError } from './service/errors.js';
import type { RowWrite } from './service/requests.js';
import { columnOf, type StoredRecord } from './service/values.js';

/** A row of the meta table for each: `epoch` and `seq`, moved forward under the condition that this is forward. */
export class Checkpoints implements AdapterCheckpoints {
  constructor(private readonly context: Context) {}

  async get(keys: readonly CheckpointKey[], call: Call): Promise<readonly (Position | undefined)[]> {
    const rows = await this.context.requests.get(this.context.tables.meta, keys.map(rowKey), call);
    return rows.map((row) => row && toPosition(row));
  }

  async advance(items: readonly (CheckpointKey & Position)[], call: Call): Promise<readonly Position[]> {
    const stands = new Array<Position>(items.length);
    for (const wave of waves(items)) {
      let left = wave;
      while (left.length > 0) {
        left = await this.#advance(items, left, stands, call);
        if (left.length > 0) await pause(20 * Math.random());
      }
    }
    return stands;
  }

  /** Resolves with the places that have to be tried again, because what stood in the way was gone when it was looked at. */
  async #advance(
    items: readonly (CheckpointKey & Position)[],
    places: readonly number[],
    stands: Position[],
    call: Call,
  ): Promise<number[]> {
    const at = (place: number) => items[place] as CheckpointKey & Position;
    const results = await this.context.requests.write(
      places.map((place) => this.#forward(at(place))),
      call,
    );
    const beaten = places.filter((place, i) => {
      const result = results[i];
      if (result?.ok) stands[place] = { epoch: at(place).epoch, seqId: at(place).seqId };
      else if (result && (result.error.failure !== 'condition' || performance.now() >= call.deadline))
        throw toTimelineError(result.error, 'write');
      return !result?.ok;
    });
    const standing = beaten.length > 0 ? await this.get(beaten.map(at), call) : [];
    return beaten.filter((place, i) => {
      const position = standing[i];
      if (position && position.epoch !== at(place).epoch) throw otherEpoch(at(place), position);
      if (!position || position.seqId < at(place).seqId) return true;
      stands[place] = position;
      return false;
    });
  }

  #forward(item: CheckpointKey & Position): RowWrite {
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
    return { table: this.context.tables.meta, key: rowKey(item), type: 'PUT', put };
  }

  async reset(
    items: readonly (CheckpointKey & { readonly position: Position | undefined })[],
    call: Call,
  ): Promise<void> {
    for (const wave of waves(items)) {
      const rows = wave.map((place): RowWrite => {
        const { position, ...item } = items[place] as (typeof items)[number];
        if (position) return this.#put(item, position);
        return { table: this.context.tables.meta, key: rowKey(item), type: 'DELETE' };
      });
      for (const result of await this.context.requests.write(rows, call)) {
        if (!result.ok) throw toTimelineError(result.error, 'write');
      }
    }
  }
}

/** Places in an order that never names one checkpoint twice at a time: a request that did would be refused. */
function waves(items: readonly CheckpointKey[]): number[][] {
  const result: number[][] = [];
  const turns = new Map<string, number>();
  items.forEach((item, place) => {
    const name = JSON.stringify(rowKey(item));
    const turn = turns.get(name) ?? 0;
    turns.set(name, turn + 1);
    if (turn === result.length) result.push([]);
    result[turn]?.push(place);
  });
  return result;
}

/** The empty name is that of the directory. */
function rowKey({ timeline, reader }: CheckpointKey): readonly [string, string] {
  return [timeline, `r:${reader}`];
}

function toPosition({ columns }: StoredRecord): Position {
  return { epoch: String(columnOf(columns, 'epoch')), seqId: columnOf(columns, 'seq') as bigint };
}

function otherEpoch({ timeline, reader }: CheckpointKey, stands: Position): TimelineError {
  const message = `the checkpoint of ${JSON.stringify(reader)} is of another epoch; reset it`;
  return new TimelineError('TIMELINE_EPOCH_CHANGED', message, { timeline, actual: stands.seqId });
}
