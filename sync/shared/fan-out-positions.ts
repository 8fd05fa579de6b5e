import { seqIdOf } from '../../src/cursor.js';
import { isTimelineError } from '../../src/errors.js';
import type { Cursor, Timeline, TimelineStore } from '../../src/types.js';
import type { Stored } from '../types.js';
import type { Context } from './context.js';
import { readerOf } from './names.js';
import { lenient } from './undecodable.js';

/** Milliseconds in which the positions of many conversations gather for one write. */
const GATHER_MS = 50;
const DAY_MS = 24 * 3600 * 1000;

/**
 * The durable fan-out positions: a checkpoint on each conversation. They are written a little late and together, as a
 * position that is too low costs only a repetition that changes nothing.
 */
export class Positions<M> {
  readonly #store: TimelineStore<Stored<M>>;
  readonly #closing: AbortSignal;
  #pending = new Map<string, Cursor>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(store: TimelineStore<Stored<M>>, closing: AbortSignal) {
    this.#store = store;
    this.#closing = closing;
  }

  async get(conversations: readonly string[]): Promise<(Cursor | undefined)[]> {
    return this.#store.checkpoints(conversations.map((timeline) => ({ timeline, reader: readerOf.fanOut })));
  }

  note(conversation: string, to: Cursor): void {
    this.#pending.set(conversation, to);
    // Closing writes what is there once more, and no more.
    if (this.#closing.aborted) return;
    this.#timer ??= setTimeout(() => this.flush().catch(() => undefined), GATHER_MS).unref();
  }

  /** Resolves once all that was noted is durable; what failed stays noted. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.catch(() => undefined).then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    const pending = this.#pending;
    if (pending.size === 0) return;
    this.#pending = new Map();
    const items = [...pending].map(([timeline, to]) => ({ timeline, reader: readerOf.fanOut, to }));
    try {
      await this.#store.advanceCheckpoints(items);
    } catch (error) {
      if (isTimelineError(error) && error.code === 'TIMELINE_EPOCH_CHANGED') return this.#startOver(items);
      for (const [conversation, to] of pending) if (!this.#pending.has(conversation)) this.note(conversation, to);
      throw error;
    }
  }

  /** Some conversation began a new life: its old position says nothing of this one. */
  async #startOver(items: readonly { timeline: string; reader: string; to: Cursor }[]): Promise<void> {
    for (const { timeline, reader, to } of items) {
      const checkpoint = this.#store.timeline(timeline).checkpoint(reader);
      await checkpoint.advance(to).catch((error: unknown) => {
        if (isTimelineError(error) && error.code === 'TIMELINE_EPOCH_CHANGED') return checkpoint.reset(to);
        throw error;
      });
    }
  }
}

/** Where a fan-out goes on from its durable position. Of data that was lost or rolled back, what is recent enough for keys to tell is diffused anew. */
export async function resumeAt<M>(
  { sync }: Pick<Context<M>, 'sync'>,
  timeline: Timeline<Stored<M>>,
  position: Cursor,
): Promise<bigint> {
  try {
    await timeline.read({ after: position, limit: 1, ...lenient });
    return seqIdOf(position);
  } catch (error) {
    const code = isTimelineError(error) ? error.code : undefined;
    if (code !== 'TIMELINE_EPOCH_CHANGED' && code !== 'TIMELINE_ROLLED_BACK') throw error;
  }
  const windowMs = Math.min(sync.capabilities.keyWindowMs ?? DAY_MS, DAY_MS);
  const horizon = Date.now() - windowMs / 2;
  for await (const entry of timeline.scan({ reverse: true, ...lenient }))
    if (entry.appendedAt < horizon) return entry.seqId;
  return 0n;
}
