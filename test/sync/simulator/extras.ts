import { Random } from '../../../testing/random.js';

/** The fields of a message besides its body. */
export interface Extras {
  readonly countable?: false;
  readonly relatesTo?: bigint;
  readonly mentions?: string[];
}

/** The number of the message decides: the draws of a run stay the same. `known` has messages of the conversation. */
export function drawExtras(serial: number, users: readonly string[], known: readonly bigint[]): Extras {
  const random = new Random(serial);
  return {
    ...(random.chance(0.25) && { countable: false as const }),
    ...(known.length > 0 && random.chance(0.3) && { relatesTo: random.pick(known) }),
    ...(random.chance(0.25) && { mentions: users.filter(() => random.chance(0.5)) }),
  };
}
