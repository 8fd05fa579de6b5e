import type { Context } from './context.js';
import type { WakeChannel } from './options.js';
import type { Ends } from './read/bounds.js';

/** How much longer the pause grows with each look that finds nothing. */
const SLACKEN = 1.3;
/** How long one look may take. */
const LOOK_MS = 4000;

interface Watched {
  readonly wakes: Set<() => void>;
  /** The last SeqId that was told of; undefined until the first look. */
  last: bigint | undefined;
  pauseMs: number;
  due: number;
}

/**
 * Wakes those who wait on Timelines of one library, by looking at the tails of all of them: often where something happens, seldom where
 * nothing does. Appends of the same library wake at once, and those of other processes if the caller supplies a channel.
 */
export class Watchers {
  readonly #watched = new Map<string, Watched>();
  #timer: NodeJS.Timeout | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(
    private readonly context: Context,
    private readonly ends: Ends,
    private readonly channel: WakeChannel | undefined,
  ) {}

  add(timeline: string, wake: () => void): () => void {
    const now = performance.now();
    const watched = this.#watched.get(timeline) ?? { wakes: new Set(), last: undefined, pauseMs: 0, due: now };
    const own = () => wake();
    watched.wakes.add(own);
    Object.assign(watched, { last: undefined, pauseMs: this.context.settings.pollMs, due: now });
    this.#watched.set(timeline, watched);
    this.#unsubscribe ??= this.channel?.subscribe((topic) => this.#hear(topic));
    this.#schedule();
    return () => {
      watched.wakes.delete(own);
      if (watched.wakes.size === 0 && this.#watched.get(timeline) === watched) this.#watched.delete(timeline);
    };
  }

  /** The tables are others now: everybody looks again. */
  forget(): void {
    for (const [timeline, watched] of this.#watched) {
      watched.last = undefined;
      this.#poke(timeline);
    }
  }

  close(): void {
    this.#watched.clear();
    clearTimeout(this.#timer);
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  /** Tells of an append by this handle. */
  appended(timeline: string): void {
    this.#poke(timeline);
    try {
      // A channel that fails costs latency and nothing else.
      Promise.resolve(this.channel?.publish(this.#topic(timeline))).catch(() => {});
    } catch {}
  }

  #topic(timeline: string): string {
    return `${this.context.options.name}\n${timeline}`;
  }

  #hear(topic: string): void {
    const end = topic.indexOf('\n');
    if (topic.slice(0, end) === this.context.options.name) this.#poke(topic.slice(end + 1));
  }

  #poke(timeline: string): void {
    const watched = this.#watched.get(timeline);
    if (!watched) return;
    watched.due = performance.now();
    watched.pauseMs = this.context.settings.pollMs;
    this.#schedule();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    let due = Number.POSITIVE_INFINITY;
    for (const watched of this.#watched.values()) due = Math.min(due, watched.due);
    if (due === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#round(), Math.max(0, due - performance.now())).unref();
  }

  #round(): void {
    const now = performance.now();
    for (const [timeline, watched] of this.#watched) {
      if (watched.due > now) continue;
      // Until the look has ended it is not due again.
      watched.due = Number.POSITIVE_INFINITY;
      void this.#look(timeline, watched).finally(() => {
        if (watched.due === Number.POSITIVE_INFINITY) watched.due = performance.now() + watched.pauseMs;
        this.#schedule();
      });
    }
    this.#schedule();
  }

  async #look(timeline: string, watched: Watched): Promise<void> {
    const { settings } = this.context;
    const state = this.context.state(timeline);
    // A look over a connection that went silent ends soon, and the next one has another.
    const call = this.context.requests.transport.newCall(LOOK_MS);
    const tail = await this.ends.tail(state, call).catch(() => undefined);
    const { record } = this.context;
    if (record.isSuspect) await record.look(call).catch(() => {});
    if (!tail) return;
    const { seqId } = tail;
    if (watched.last === seqId) {
      watched.pauseMs = Math.min(watched.pauseMs * SLACKEN, settings.idlePollMs);
      return;
    }
    watched.last = seqId;
    watched.pauseMs = settings.pollMs;
    const wake = () => {
      for (const each of [...watched.wakes]) each();
    };
    // A reader that came before it has settled would only wait itself, and read twice.
    if (this.context.dense || state.isSettled(seqId)) wake();
    else setTimeout(wake, state.settlesIn(seqId));
  }
}
