import { Bell } from '../../src/bell.js';
import type { TimelineId, TimelineStore } from '../../src/types.js';

/** The Timelines of one library that a device waits on. */
interface Source {
  readonly store: Pick<TimelineStore<never>, 'watch'>;
  readonly ids: readonly TimelineId[];
}

/** Is rung by hints of both libraries, on whatever Timelines the device follows at the time. */
export class DeviceBell extends Bell {
  #watched = '';
  #unwatch: () => void = () => undefined;

  /** Watches these instead of those before. */
  watch(sources: readonly Source[]): void {
    const watched = JSON.stringify(sources.map(({ ids }) => ids));
    if (watched === this.#watched) return;
    this.#unwatch();
    const ends = sources.map(({ store, ids }) => store.watch(ids, this.ring));
    this.#unwatch = () => {
      for (const end of ends) end();
    };
    this.#watched = watched;
    this.ring();
  }

  override stop(): void {
    this.#unwatch();
    super.stop();
  }
}
