import { WatchHub } from '../../src/toolkit/index.js';
import type { Context } from './context.js';
import type { WakeChannel } from './options.js';

/** Growth of the interval with each poll that finds nothing. */
const SLOWDOWN = 1.3;
/** Budget of one poll: over a connection that went silent it ends soon, and the next poll has another connection. */
const POLL_BUDGET_MS = 4000;

interface WatchedTimeline {
  /** The last SeqId that watchers were woken for; undefined until the first poll. */
  last: bigint | undefined;
  intervalMs: number;
  /** When the next poll is due, on the clock of `performance.now()`; `Infinity` during a poll. */
  dueAt: number;
}

/**
 * Wakes watchers of Timelines. Polls their last SeqIds, often while something happens and less often while nothing
 * does. Appends of this handle wake at once, and those of other processes through the caller's wake channel.
 */
export class Watchers {
  readonly #context: Context;
  readonly #channel: WakeChannel | undefined;
  readonly #hub = new WatchHub({ onUnwatched: (timeline) => this.#watched.delete(timeline) });
  readonly #watched = new Map<string, WatchedTimeline>();
  #timer: NodeJS.Timeout | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(context: Context, channel: WakeChannel | undefined) {
    this.#context = context;
    this.#channel = channel;
    context.record.onReplaced(() => this.#pollAll());
  }

  watch(timeline: string, wake: () => void): () => void {
    this.#watched.set(timeline, {
      last: undefined,
      intervalMs: this.#context.settings.pollMs,
      dueAt: performance.now(),
    });
    this.#unsubscribe ??= this.#channel?.subscribe((topic) => this.#hear(topic));
    this.#schedule();
    return this.#hub.watch(timeline, wake);
  }

  /** After the tables were made again, every watcher reads again. */
  #pollAll(): void {
    for (const [timeline, watched] of this.#watched) {
      watched.last = undefined;
      this.#pollNow(timeline);
    }
  }

  close(): void {
    this.#watched.clear();
    clearTimeout(this.#timer);
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  /** Call after an append of this handle. */
  appended(timeline: string): void {
    this.#pollNow(timeline);
    try {
      // A channel that fails only delays wake-ups.
      Promise.resolve(this.#channel?.publish(this.#topic(timeline))).catch(() => {});
    } catch {}
  }

  #topic(timeline: string): string {
    return `${this.#context.options.name}\n${timeline}`;
  }

  #hear(topic: string): void {
    const end = topic.indexOf('\n');
    if (topic.slice(0, end) === this.#context.options.name) this.#pollNow(topic.slice(end + 1));
  }

  #pollNow(timeline: string): void {
    const watched = this.#watched.get(timeline);
    if (!watched) return;
    watched.dueAt = performance.now();
    watched.intervalMs = this.#context.settings.pollMs;
    this.#schedule();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    let dueAt = Number.POSITIVE_INFINITY;
    for (const watched of this.#watched.values()) dueAt = Math.min(dueAt, watched.dueAt);
    if (dueAt === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#pollDue(), Math.max(0, dueAt - performance.now())).unref();
  }

  #pollDue(): void {
    const now = performance.now();
    for (const [timeline, watched] of this.#watched) {
      if (watched.dueAt > now) continue;
      watched.dueAt = Number.POSITIVE_INFINITY;
      void this.#poll(timeline, watched).finally(() => {
        if (watched.dueAt === Number.POSITIVE_INFINITY) watched.dueAt = performance.now() + watched.intervalMs;
        this.#schedule();
      });
    }
    this.#schedule();
  }

  async #poll(timeline: string, watched: WatchedTimeline): Promise<void> {
    const { settings, record, requests, isDense } = this.#context;
    const state = this.#context.state(timeline);
    const call = requests.transport.newCall(POLL_BUDGET_MS);
    const last = await this.#context.bounds.readLast(state, call).catch(() => undefined);
    if (record.mayBeReplaced) await record.reload(call).catch(() => {});
    if (!last) return;
    if (watched.last === last.seqId) {
      watched.intervalMs = Math.min(watched.intervalMs * SLOWDOWN, settings.idlePollMs);
      return;
    }
    watched.last = last.seqId;
    watched.intervalMs = settings.pollMs;
    const wake = () => this.#hub.wake(timeline);
    // A reader woken before the id is settled would wait, and read twice.
    if (isDense || state.settled.includes(last.seqId)) wake();
    else setTimeout(wake, state.settled.waitFor(last.seqId));
  }
}
