import { type Cursor, isTimelineError, seqIdOf, type Timeline, type TimelineStore } from '../../src/index.js';
import type { Stored, Synced } from '../types.js';
import { advanceAllOrReset } from './checkpoints.js';
import type { Clock } from './clock.js';
import { readerOf } from './names.js';
import { lenient } from './undecodable.js';

/** Milliseconds for which positions are gathered into one write. */
const GATHER_MS = 50;
const DAY_MS = 24 * 3600 * 1000;

/**
 * The durable fan-out positions, one checkpoint per conversation. They are written late and together: a position that
 * is too low only repeats writes whose keys are known.
 */
export class FanOutPositions<M> {
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

  /** Writes the position within {@link GATHER_MS}. */
  advance(conversation: string, to: Cursor): void {
    this.#pending.set(conversation, to);
    // Closing flushes once more itself.
    if (this.#closing.aborted) return;
    this.#timer ??= setTimeout(() => this.flush().catch(() => undefined), GATHER_MS).unref();
  }

  /** Resolves once all positions are durable. Those that fail stay pending. */
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
      await advanceAllOrReset(this.#store, items);
    } catch (error) {
      for (const [conversation, to] of pending) if (!this.#pending.has(conversation)) this.advance(conversation, to);
      throw error;
    }
  }
}

/**
 * Returns the SeqId after which a fan-out resumes. If the store has lost or rolled back the entry at the durable
 * position, everything goes out again that is recent enough for keys to detect its copies. A store that was rolled back
 * had delivered all that was trimmed since: it is not looked for.
 */
export async function resumeAfter<M>(
  { sync, clock }: { readonly sync: TimelineStore<Synced<M>>; readonly clock: Clock },
  timeline: Timeline<Stored<M>>,
  position: Cursor,
): Promise<bigint> {
  let code: string | undefined;
  try {
    await timeline.read({ after: position, limit: 1, ...lenient });
    return seqIdOf(position);
  } catch (error) {
    code = isTimelineError(error) ? error.code : undefined;
    if (code !== 'TIMELINE_EPOCH_CHANGED' && code !== 'TIMELINE_ROLLED_BACK') throw error;
  }
  const windowMs = Math.min(sync.capabilities.keyWindowMs ?? DAY_MS, DAY_MS);
  const horizon = clock.now() - windowMs / 2;
  for await (const entry of timeline.scan({ reverse: true, ...lenient }))
    if (entry.appendedAt < horizon) return entry.seqId;
  return code === 'TIMELINE_ROLLED_BACK' ? (await timeline.head()).firstSeqId - 1n : 0n;
}
