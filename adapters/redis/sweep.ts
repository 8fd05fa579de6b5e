import type { LibraryContext } from './library.js';
import type { Registry } from './registry.js';
import type { Settler } from './settle.js';

const TIMELINES_PER_STEP = 100;
const LONGEST_REST_MS = 60_000;

/** Removes what has expired, walking the registry by a timer that keeps no process alive. Of several processes one walks at a time. */
export class Sweeper {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(
    private readonly library: LibraryContext,
    private readonly registry: Registry,
    private readonly settler: Settler,
  ) {}

  start(): void {
    if (this.library.options.ttlMs !== undefined) this.#schedule();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(): void {
    if (this.#closed) return;
    const rest = Math.min(this.library.settings.sweepMs, LONGEST_REST_MS);
    this.#timer = setTimeout(() => {
      // A server that is away has nothing swept; the next round will find it.
      this.#running = this.#round(rest)
        .catch(() => {})
        .then(() => this.#schedule());
    }, rest).unref();
  }

  async #round(rest: number): Promise<void> {
    const { connections, keys } = this.library;
    if ((await connections.command('set', [keys.sweeper(), 'held', 'NX', 'PX', rest])) !== 'OK') return;
    let after: string | undefined;
    while (!this.#closed) {
      const timelines = await this.registry.page('', after, TIMELINES_PER_STEP);
      let left: readonly string[] = timelines;
      while (left.length > 0 && !this.#closed) left = await this.settler.settle(left);
      if (timelines.length < TIMELINES_PER_STEP) return;
      after = timelines.at(-1);
    }
  }
}
