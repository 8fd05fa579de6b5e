import type { Call } from '../../src/adapter.js';
import { isTimelineError } from '../../src/errors.js';
import type { LibraryContext } from './library.js';
import { rebuildRegistry } from './rebuild.js';
import type { Registry } from './registry.js';
import type { Settler } from './settle.js';

const TIMELINES_PER_STEP = 100;
/** The clock and the settings are looked at this often, the registry is walked every `sweepMs`. */
const LOOK_MS = 5000;
const LONGEST_LOCK_MS = 60_000;

/**
 * Follows what stands, and removes what has expired, walking the registry by a timer that keeps no process alive. Of
 * several processes one walks at a time.
 */
export class Sweeper {
  readonly #library: LibraryContext;
  readonly #registry: Registry;
  readonly #settler: Settler;
  #timer: NodeJS.Timeout | undefined;
  #sweptAt = performance.now();
  #closed = false;

  constructor(library: LibraryContext, registry: Registry, settler: Settler) {
    this.#library = library;
    this.#registry = registry;
    this.#settler = settler;
  }

  start(): void {
    if (this.#closed) return;
    const { sweepMs } = this.#library.settings;
    this.#timer = setTimeout(
      () => {
        // A server that is away has nothing swept; the next round will find it.
        this.#round()
          .catch(() => {})
          .then(() => this.start());
      },
      Math.min(sweepMs, LOOK_MS),
    ).unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #call(): Call {
    return this.#library.connections.newCall();
  }

  async #round(): Promise<void> {
    const { standing, settings } = this.#library;
    await Promise.all([standing.follow(this.#call()), this.#registry.look(this.#call())]);
    if (this.#closed) return;
    if (this.#registry.isIncomplete) await this.#rebuild();
    if (standing.ttlMs === undefined) return;
    if (performance.now() - this.#sweptAt < settings.sweepMs - LOOK_MS / 2) return;
    this.#sweptAt = performance.now();
    if (await this.#isMyTurn()) await this.#sweep();
  }

  async #rebuild(): Promise<void> {
    try {
      await rebuildRegistry(this.#library, this.#registry, () => this.#closed);
    } catch (error) {
      // A user who may not do that has the registry come back with what is written and read alone.
      if (!isTimelineError(error) || error.retryable || error.outcome === 'unknown') throw error;
    }
    this.#registry.isIncomplete = false;
  }

  async #isMyTurn(): Promise<boolean> {
    const { connections, keys, settings } = this.#library;
    const ms = Math.min(settings.sweepMs, LONGEST_LOCK_MS);
    try {
      return (await connections.ask('set', [keys.sweeper(), 'held', 'NX', 'PX', ms], this.#call())) === 'OK';
    } catch (error) {
      // Without memory left there is no lock to be had, and sweeping is what makes some.
      if (isTimelineError(error) && error.code === 'TIMELINE_BUSY') return true;
      throw error;
    }
  }

  async #sweep(): Promise<void> {
    let after: string | undefined;
    while (!this.#closed) {
      const range = { prefix: '', limit: TIMELINES_PER_STEP, ...(after !== undefined && { after }) };
      const timelines = await this.#registry.page(range, this.#call());
      let left: readonly string[] = timelines;
      const overlays = new Set<string>();
      while (left.length > 0 && !this.#closed) {
        const settled = await this.#settler.settle(left, this.#call());
        for (const timeline of settled.overlays) overlays.add(timeline);
        left = settled.more;
      }
      for (const timeline of overlays) if (!this.#closed) await this.#settler.purgeOverlay(timeline, this.#call());
      if (timelines.length < TIMELINES_PER_STEP) return;
      after = timelines.at(-1);
    }
  }
}
