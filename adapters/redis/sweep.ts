import type { Call } from '../../src/adapter.js';
import { isTimelineError, Sweeper } from '../../src/toolkit/index.js';
import type { Library } from './library.js';
import type { Registry } from './registry.js';
import type { Retention } from './retention.js';

const TIMELINES_PER_STEP = 100;
/** Settings, clock and registry are checked at least this often; sweeps come every `sweepMs`. */
const CHECK_MS = 5000;
const MAX_LOCK_MS = 60_000;

/**
 * Follows the stored settings, and removes what has expired from all Timelines of the registry. Of several processes
 * one sweeps at a time.
 */
export class LibrarySweeper {
  readonly #library: Library;
  readonly #registry: Registry;
  readonly #retention: Retention;
  readonly #sweeper: Sweeper;
  readonly #roundMs: number;
  #sweptAt = performance.now();

  constructor(library: Library, registry: Registry, retention: Retention) {
    this.#library = library;
    this.#registry = registry;
    this.#retention = retention;
    this.#roundMs = Math.min(library.options.sweepMs, CHECK_MS);
    this.#sweeper = new Sweeper({ step: () => this.#runRound(), retryMs: this.#roundMs });
  }

  start(): void {
    this.#sweeper.start(this.#roundMs);
  }

  /** Does not wait for a round under way, which may last as long as its calls: it ends with the next one. */
  close(): void {
    void this.#sweeper.close();
  }

  get #isClosed(): boolean {
    return this.#sweeper.isClosed;
  }

  #newCall(): Call {
    return this.#library.connections.newCall();
  }

  async #runRound(): Promise<number> {
    const { settings, options } = this.#library;
    await Promise.all([settings.refresh(this.#newCall()), this.#registry.checkForLoss(this.#newCall())]);
    if (this.#isClosed) return 0;
    await this.#registry.rebuildIfIncomplete(() => this.#isClosed);
    const isDue = performance.now() - this.#sweptAt >= options.sweepMs - CHECK_MS / 2;
    if (settings.ttlMs === undefined || !isDue) return this.#roundMs;
    this.#sweptAt = performance.now();
    if (await this.#lock()) await this.#sweep();
    return this.#roundMs;
  }

  /** False if another process has swept within this period. */
  async #lock(): Promise<boolean> {
    const { connections, keys, options } = this.#library;
    const ms = Math.min(options.sweepMs, MAX_LOCK_MS);
    const args = [keys.sweepLockKey(), 'held', 'NX', 'PX', ms];
    try {
      return (await connections.write.command('set', args, this.#newCall(), { idempotent: true })) === 'OK';
    } catch (error) {
      // Without memory left there is no lock to be had, and sweeping is what frees some.
      if (isTimelineError(error) && error.code === 'TIMELINE_BUSY') return true;
      throw error;
    }
  }

  async #sweep(): Promise<void> {
    let after: string | undefined;
    while (!this.#isClosed) {
      const range = { prefix: '', limit: TIMELINES_PER_STEP, ...(after !== undefined && { after }) };
      const timelines = await this.#registry.page(range, this.#newCall());
      let left: readonly string[] = timelines;
      const overlays = new Set<string>();
      while (left.length > 0 && !this.#isClosed) {
        const result = await this.#retention.apply(left, this.#newCall());
        for (const timeline of result.overlays) overlays.add(timeline);
        left = result.more;
      }
      for (const timeline of overlays) {
        if (!this.#isClosed) await this.#retention.purgeOverlay(timeline, this.#newCall());
      }
      if (timelines.length < TIMELINES_PER_STEP) return;
      after = timelines.at(-1);
    }
  }
}
