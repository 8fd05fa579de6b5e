import type { Cursor } from '../../src/types.js';
import type { Place } from './conversation-position.js';
import { encodeProgress, type Seal } from './device-cursor.js';
import type { Step } from './merged-stream.js';

/** The way from the acknowledged position on: what acknowledging any message along it means. */
export class Trail {
  readonly resynced: boolean;
  readonly #seal: Seal;
  readonly #generation: number;
  #inbox: Cursor | undefined;
  #places: ReadonlyMap<string, Place> = new Map();

  constructor(seal: Seal, generation: number, resynced: boolean) {
    this.#seal = seal;
    this.#generation = generation;
    this.resynced = resynced;
  }

  get cursor(): Cursor {
    return this.#encode(this.#inbox, this.#places);
  }

  /** Goes on by these steps; the function returned gives the cursor behind the first `count` of them, made when asked for. */
  follow(steps: readonly Step[]): (count: number) => Cursor {
    const inbox = this.#inbox;
    const places = this.#places;
    const behind = (count: number) => moved(inbox, places, steps, count);
    [this.#inbox, this.#places] = behind(steps.length);
    return (count) => this.#encode(...behind(count));
  }

  #encode(inbox: Cursor | undefined, places: ReadonlyMap<string, Place>): Cursor {
    return encodeProgress(this.#seal, { generation: this.#generation, inbox, places, resynced: this.resynced });
  }
}

function moved(
  inbox: Cursor | undefined,
  places: ReadonlyMap<string, Place>,
  steps: readonly Step[],
  count: number,
): [Cursor | undefined, ReadonlyMap<string, Place>] {
  let changed: Map<string, Place> | undefined;
  for (let i = 0; i < count; i++) {
    const step = steps[i] as Step;
    if ('inbox' in step) inbox = step.inbox;
    else {
      changed ??= new Map(places);
      changed.set(step.conversation, step.place);
    }
  }
  return [inbox, changed ?? places];
}
