import type { Call } from '../../src/adapter.js';
import { isTimelineError } from '../../src/errors.js';
import type { Library } from './library.js';
import type { Registry } from './registry.js';
import type { Retention } from './retention.js';

const TIMELINES_PER_STEP = 100;
/** Settings, clock and registry are checked at least this often; sweeps come every `sweepMs`. */
const CHECK_MS = 5000;
const MAX_LOCK_MS = 60_000;

/**
 * Follows the stored settings, and removes what has expired from all Timelines of the registry, by a timer that keeps
 * no process alive. Of several processes one sweeps at a time.
 */
export class Sweeper {
  readonly #library: Library;
  readonly #registry: Registry;
  readonly #retention: Retention;
  #timer: NodeJS.Timeout | undefined;
  #sweptAt = performance.now();
  #isClosed = false;

  constructor(library: Library, registry: Registry, retention: Retention) {
    this.#library = library;
    this.#registry = registry;
    this.#retention = retention;
  }

  start(): void {
    if (this.#isClosed) return;
    const { sweepMs } = this.#library.options;
    this.#timer = setTimeout(
      () => {
        // The next round makes up for one that fails.
        this.#runRound()
          .catch(() => {})
          .then(() => this.start());
      },
      Math.min(sweepMs, CHECK_MS),
    ).unref();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #newCall(): Call {
    return this.#library.connections.newCall();
  }

  async #runRound(): Promise<void> {
    const { settings, options } = this.#library;
    await Promise.all([settings.refresh(this.#newCall()), this.#registry.checkForLoss(this.#newCall())]);
    if (this.#isClosed) return;
    await this.#registry.rebuildIfIncomplete(() => this.#isClosed);
    if (settings.ttlMs === undefined) return;
    if (performance.now() - this.#sweptAt < options.sweepMs - CHECK_MS / 2) return;
    this.#sweptAt = performance.now();
    if (await this.#lock()) await this.#sweep();
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
