import type { AdapterCheckpoints, Call, CheckpointKey, Position } from '../../src/adapter.js';
import { TimelineError } from '../../src/errors.js';
import type { LibraryContext } from './library.js';
import { ADVANCE } from './scripts/checkpoint.js';
import { SET_CHECKPOINTS } from './scripts/set-checkpoints.js';

/** A hash for each Timeline: reader to `epoch seqId`. */
export class Checkpoints implements AdapterCheckpoints {
  readonly #library: LibraryContext;

  constructor(library: LibraryContext) {
    this.#library = library;
  }

  async get(keys: readonly CheckpointKey[], call: Call): Promise<readonly (Position | undefined)[]> {
    const { connections, keys: keyspace } = this.#library;
    const asked = keys.map(({ timeline, reader }) =>
      connections.ask('hget', [keyspace.checkpoints(timeline), reader], call),
    );
    return (await Promise.all(asked)).map((text) => (typeof text === 'string' ? toPosition(text) : undefined));
  }

  async advance(items: readonly (CheckpointKey & Position)[], call: Call): Promise<readonly Position[]> {
    const stands = new Array<Position>(items.length);
    const groups = this.#byTimeline(items).map(async ([timeline, places]) => {
      const { connections, keys } = this.#library;
      const args = places.flatMap((place) => {
        const { reader, epoch, seqId } = items[place] as CheckpointKey & Position;
        return [reader, epoch, String(seqId)];
      });
      const answers = (await connections.change(ADVANCE, keys.declare(timeline, ['m', 'c']), args, call)) as string[];
      places.forEach((place, i) => {
        const answer = answers[i] as string;
        const position = toPosition(answer.slice(1));
        if (answer.startsWith('!')) throw otherEpoch(items[place] as CheckpointKey, position);
        stands[place] = position;
      });
    });
    await settleAll(groups);
    return stands;
  }

  async reset(
    items: readonly (CheckpointKey & { readonly position: Position | undefined })[],
    call: Call,
  ): Promise<void> {
    const groups = this.#byTimeline(items).map(([timeline, places]) => {
      const args = places.flatMap((place) => {
        const { reader, position } = items[place] as (typeof items)[number];
        return [reader, position ? `${position.epoch} ${position.seqId}` : ''];
      });
      const { connections, keys } = this.#library;
      return connections.change(SET_CHECKPOINTS, [keys.checkpoints(timeline)], args, call);
    });
    await settleAll(groups);
  }

  #byTimeline(items: readonly CheckpointKey[]): [string, number[]][] {
    const groups = new Map<string, number[]>();
    items.forEach(({ timeline }, place) => {
      groups.set(timeline, [...(groups.get(timeline) ?? []), place]);
    });
    return [...groups];
  }
}

/** Fails with the first failure, but only when nothing is under way any more. */
async function settleAll(work: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}

function toPosition(text: string): Position {
  const space = text.indexOf(' ');
  return { epoch: text.slice(0, space), seqId: BigInt(text.slice(space + 1)) };
}

function otherEpoch({ timeline, reader }: CheckpointKey, stands: Position): TimelineError {
  const message = `the checkpoint of ${JSON.stringify(reader)} is of another epoch; reset it`;
  return new TimelineError('TIMELINE_EPOCH_CHANGED', message, { timeline, actual: stands.seqId });
}
