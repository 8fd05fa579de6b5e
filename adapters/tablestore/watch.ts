import { WatchHub } from '../../src/toolkit/index.js';
import type { Context } from './context.js';
import type { WakeChannel } from './options.js';

/** Growth of the interval with each poll that finds nothing. */
const SLOWDOWN = 1.3;
/** Budget of one poll: over a connection that went silent it ends soon, and the next poll has another connection. */
const POLL_BUDGET_MS = 4000;

interface WatchedTimeline {
  readonly timeline: string;
  /** The last SeqId that watchers were woken for; undefined until the first poll. */
  last: bigint | undefined;
  intervalMs: number;
  /** Of the next poll; undefined during a poll. */
  timer: NodeJS.Timeout | undefined;
}

/**
 * Wakes watchers of Timelines. Polls their last SeqIds, often while something happens and less often while nothing
 * does. Appends of this handle wake at once, and those of other processes through the caller's wake channel.
 */
export class Watchers {
  readonly #context: Context;
  readonly #channel: WakeChannel | undefined;
  readonly #hub = new WatchHub({ onUnwatched: (timeline) => this.#forget(timeline) });
  readonly #watched = new Map<string, WatchedTimeline>();
  #unsubscribe: (() => void) | undefined;

  constructor(context: Context, channel: WakeChannel | undefined) {
    this.#context = context;
    this.#channel = channel;
    context.record.onReplaced(() => {
      // Every watcher reads again.
      for (const watched of this.#watched.values()) {
        watched.last = undefined;
        this.#pollNow(watched.timeline);
      }
    });
  }

  watch(timeline: string, wake: () => void): () => void {
    const { pollMs } = this.#context.settings;
    this.#forget(timeline);
    this.#watched.set(timeline, { timeline, last: undefined, intervalMs: pollMs, timer: undefined });
    this.#unsubscribe ??= this.#channel?.subscribe((topic) => this.#hear(topic));
    this.#pollNow(timeline);
    return this.#hub.watch(timeline, wake);
  }

  #forget(timeline: string): void {
    clearTimeout(this.#watched.get(timeline)?.timer);
    this.#watched.delete(timeline);
  }

  close(): void {
    for (const timeline of this.#watched.keys()) this.#forget(timeline);
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  /** Call after an append of this handle. */
  appended(timeline: string): void {
    this.#pollNow(timeline);
    try {
      const topic = `${this.#context.options.name}\n${timeline}`;
      // A channel that fails only delays wake-ups.
      Promise.resolve(this.#channel?.publish(topic)).catch(() => {});
    } catch {}
  }

  #hear(topic: string): void {
    const end = topic.indexOf('\n');
    if (topic.slice(0, end) === this.#context.options.name) this.#pollNow(topic.slice(end + 1));
  }

  #pollNow(timeline: string): void {
    const watched = this.#watched.get(timeline);
    if (!watched) return;
    watched.intervalMs = this.#context.settings.pollMs;
    this.#pollIn(0, watched);
  }

  #pollIn(ms: number, watched: WatchedTimeline): void {
    clearTimeout(watched.timer);
    watched.timer = setTimeout(() => {
      watched.timer = undefined;
      void this.#poll(watched).finally(() => {
        const isWatched = this.#watched.get(watched.timeline) === watched;
        if (isWatched && !watched.timer) this.#pollIn(watched.intervalMs, watched);
      });
    }, ms).unref();
  }

  async #poll(watched: WatchedTimeline): Promise<void> {
    const { settings, record, requests, isDense, bounds } = this.#context;
    const { timeline } = watched;
    const state = this.#context.state(timeline);
    const call = requests.transport.newCall(POLL_BUDGET_MS);
    const last = await bounds.readLast(state, call).catch(() => undefined);
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
