import type { AdapterCheckpoints, Call, CheckpointKey, Position } from '../../src/adapter.js';
import { droppedSince, groupByTimeline, otherEpoch } from '../../src/toolkit/index.js';
import type { Library } from './library.js';
import { ADVANCE_CHECKPOINTS, SET_CHECKPOINTS } from './scripts.generated.js';

/** Positions of readers, in a hash for each Timeline: reader to `epoch seqId`. */
export class Checkpoints implements AdapterCheckpoints {
  readonly #library: Library;

  constructor(library: Library) {
    this.#library = library;
  }

  async get(items: readonly CheckpointKey[], call: Call): Promise<readonly (Position | undefined)[]> {
    const { connections, keys } = this.#library;
    const texts = await Promise.all(
      items.map(({ timeline, reader }) => connections.read.command('hget', [keys.key(timeline, 'c'), reader], call)),
    );
    return texts.map((text) => (typeof text === 'string' ? parsePosition(text) : undefined));
  }

  async advance(items: readonly (CheckpointKey & Position)[], call: Call): Promise<readonly Position[]> {
    const { connections, keys } = this.#library;
    const stored = new Array<Position>(items.length);
    const scripts = [...groupByTimeline(items)].map(async ([timeline, indexes]) => {
      const args = indexes.flatMap((index) => {
        const { reader, epoch, seqId } = items[index] as CheckpointKey & Position;
        return [reader, epoch, String(seqId)];
      });
      const declared = keys.declare(timeline, ['m', 'c']);
      const answers = (await connections.write.script(ADVANCE_CHECKPOINTS, declared, args, call)) as string[];
      indexes.forEach((index, i) => {
        const [item, answer] = [items[index] as CheckpointKey, answers[i] as string];
        if (answer.startsWith('~'))
          throw droppedSince(item, answer === '~' ? undefined : parsePosition(answer.slice(1)));
        const position = parsePosition(answer.slice(1));
        if (answer.startsWith('!')) throw otherEpoch(item, position);
        stored[index] = position;
      });
    });
    await allEnded(scripts);
    return stored;
  }

  async reset(
    items: readonly (CheckpointKey & { readonly position: Position | undefined })[],
    call: Call,
  ): Promise<void> {
    const { connections, keys } = this.#library;
    const scripts = [...groupByTimeline(items)].map(([timeline, indexes]) => {
      const args = indexes.flatMap((index) => {
        const { reader, position } = items[index] as (typeof items)[number];
        return [reader, position ? `${position.epoch} ${position.seqId}` : ''];
      });
      return connections.write.script(SET_CHECKPOINTS, [keys.key(timeline, 'c')], args, call);
    });
    await allEnded(scripts);
  }
}

/** Rejects with the first failure, but only once nothing is under way any more. */
async function allEnded(work: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}

function parsePosition(text: string): Position {
  const space = text.indexOf(' ');
  return { epoch: text.slice(0, space), seqId: BigInt(text.slice(space + 1)) };
}
