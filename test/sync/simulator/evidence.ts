import type { History } from './history.js';
import type { Player } from './player.js';
import type { World } from './world.js';

/** The end of a run. */
export interface Evidence {
  readonly world: World;
  readonly player: Player;
  readonly histories: ReadonlyMap<string, History>;
  readonly fail: (problem: string) => void;
}
