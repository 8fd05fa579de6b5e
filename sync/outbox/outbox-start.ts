import type { Timeline } from '../../src/index.js';
import { type EffectiveMode, readModes } from '../modes/conversation-modes.js';
import type { Context } from '../shared/context.js';
import { resumeAfter } from '../shared/fan-out-positions.js';
import type { Stored } from '../types.js';

/** A position of a store that went back to an earlier state may stay behind all modes that were kept. */
const ATTEMPTS = 3;

export interface OutboxStart {
  /** SeqId after which the fan-out starts. */
  readonly position: bigint;
  /** The mode there. */
  readonly mode: EffectiveMode;
  /** The newest mode that was recorded. */
  readonly newestMode: EffectiveMode;
}

/** Reads where the fan-out of a conversation starts, and has the directory read the memberships. */
export async function loadStart<M>(
  context: Context<M>,
  timeline: Timeline<Stored<M>>,
  conversation: string,
): Promise<OutboxStart> {
  const [{ defaultMode }, { position, modes, isComplete }] = await Promise.all([
    context.settings(),
    readPosition(context, timeline, conversation),
  ]);
  await context.directory.refresh?.(conversation);
  const first = modes[0];
  const initial: EffectiveMode = { mode: isComplete || !first ? defaultMode : before(first), since: 0n };
  return {
    position,
    mode: modes.filter(({ since }) => since <= position).at(-1) ?? initial,
    newestMode: modes.at(-1) ?? initial,
  };
}

/**
 * Reads the position before the modes: a mode is recorded before the position passes its marker. If older modes were
 * trimmed between the two, the position has moved on.
 */
async function readPosition<M>(context: Context<M>, timeline: Timeline<Stored<M>>, conversation: string) {
  const { store, fanOutPositions } = context;
  for (let attempt = 1; ; attempt++) {
    const [cursor] = await fanOutPositions.get([conversation]);
    const { modes, isTrimmed } = await readModes(store, conversation);
    const position = cursor === undefined ? 0n : await resumeAfter(context, timeline, cursor);
    const isComplete = !isTrimmed || (modes[0]?.since ?? 0n) <= position;
    if (isComplete || attempt === ATTEMPTS) return { position, modes, isComplete };
  }
}

/** A marker always changes the mode. */
function before({ mode }: EffectiveMode): EffectiveMode['mode'] {
  return mode === 'read' ? 'write' : 'read';
}
