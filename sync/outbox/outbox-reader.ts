import type { Cursor, Page, Timeline } from '../../src/index.js';
import { pause } from '../../src/toolkit/index.js';
import { type EffectiveMode, readModes } from '../modes/conversation-modes.js';
import type { Context } from '../shared/context.js';
import { holds, tagOf } from '../shared/epochs.js';
import { resumeAfter } from '../shared/fan-out-positions.js';
import { lenient } from '../shared/undecodable.js';
import type { Stored } from '../types.js';
import { invisibleError, rolledBackError } from './outbox-errors.js';

const PAGE = 100;
const VISIBILITY_PAUSE_MS = 20;
/** Reads in a row that may miss an entry which the store has acknowledged. */
const MAX_INVISIBLE_READS = 250;

/** Reads the Timeline of a conversation for its outbox. */
export class OutboxReader<M> {
  readonly timeline: Timeline<Stored<M>>;
  readonly #conversation: string;
  readonly #closing: AbortSignal;
  #invisibleReads = 0;
  /** Tag of the epoch that was read last; `undefined` before the first read from a position. */
  #epoch: number | undefined;
  #isTakenBack = false;

  constructor(conversation: string, timeline: Timeline<Stored<M>>, closing: AbortSignal) {
    this.#conversation = conversation;
    this.timeline = timeline;
    this.#closing = closing;
  }

  /** The next read begins at a position that the store has. */
  begin(): void {
    this.#epoch = undefined;
    this.#isTakenBack = false;
  }

  /** The conversation may have lost entries that were read. */
  get isTakenBack(): boolean {
    return this.#isTakenBack;
  }

  /** The conversation has this epoch now. */
  meet(epoch: string): void {
    this.#isTakenBack ||= this.#epoch !== undefined && this.#epoch !== tagOf(epoch);
  }

  /** `readAt`: the time by `performance.now()` when the read began. */
  async read(after: bigint): Promise<Page<Stored<M>> & { readonly readAt: number }> {
    const readAt = performance.now();
    const page = await this.timeline.read({ after, limit: PAGE, ...lenient });
    if (this.#epoch !== undefined && !holds(page.head, { epoch: this.#epoch, seqId: after }))
      throw rolledBackError(this.#conversation, after);
    this.#epoch = tagOf(page.head.epoch);
    if (page.entries.length > 0) this.#invisibleReads = 0;
    return { ...page, readAt };
  }

  /** Returns the cursor of an entry that is gone. */
  async cursorAt(seqId: bigint): Promise<Cursor> {
    const { next } = await this.timeline.read({ after: seqId, before: seqId + 1n, limit: 1, ...lenient });
    return next;
  }

  /** Pauses before the next read for an entry that the store counts and does not show yet. Rejects after too many. */
  async awaitVisibility(seqId: bigint): Promise<void> {
    if (++this.#invisibleReads > MAX_INVISIBLE_READS) throw invisibleError(this.#conversation, seqId);
    await pause(VISIBILITY_PAUSE_MS, { signal: this.#closing });
  }
}

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
  await rebaseMembers(context, timeline, conversation);
  const first = modes[0];
  const initial: EffectiveMode = { mode: isComplete || !first ? defaultMode : before(first), since: 0n };
  return {
    position,
    mode: modes.filter(({ since }) => since <= position).at(-1) ?? initial,
    newestMode: modes.at(-1) ?? initial,
  };
}

/** The state library may be of a later time than the conversation. */
async function rebaseMembers<M>(
  { directory }: Context<M>,
  timeline: Timeline<Stored<M>>,
  conversation: string,
): Promise<void> {
  if (!directory.rebase) return;
  const { epoch, ancestors = [] } = await timeline.head();
  for (const ancestor of ancestors)
    await directory.rebase(conversation, {
      ...{ epoch: tagOf(ancestor.epoch), end: ancestor.seqId, present: tagOf(epoch) },
    });
}

/**
 * Reads the position before the modes: a mode is recorded before the position passes its marker. If older modes were
 * trimmed between the two, the position has moved on.
 */
async function readPosition<M>(context: Context<M>, timeline: Timeline<Stored<M>>, conversation: string) {
  const { state, fanOutPositions } = context;
  for (let attempt = 1; ; attempt++) {
    const [cursor] = await fanOutPositions.get([conversation]);
    const { modes, isTrimmed } = await readModes(state, conversation, await timeline.head());
    const position = cursor === undefined ? 0n : await resumeAfter(context, timeline, cursor);
    const isComplete = !isTrimmed || (modes[0]?.since ?? 0n) <= position;
    if (isComplete || attempt === ATTEMPTS) return { position, modes, isComplete };
  }
}

/** A marker always changes the mode. A record behind entries that are gone repeats it. */
function before({ mode, heldSince }: EffectiveMode): EffectiveMode['mode'] {
  if (heldSince !== undefined) return mode;
  return mode === 'read' ? 'write' : 'read';
}
