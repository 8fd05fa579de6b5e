import { Bell } from '../../src/bell.js';
import type { TimelineId, TimelineStore } from '../../src/types.js';

/** Timelines of one library. */
interface WatchedTimelines {
  readonly store: Pick<TimelineStore<never>, 'watch'>;
  readonly ids: readonly TimelineId[];
}

/** Rings when the inbox or a followed conversation may have new entries. */
export class DeviceBell extends Bell {
  #watched = '';
  #unwatch: () => void = () => undefined;

  /** Watches these Timelines instead of the earlier ones. */
  watch(sources: readonly WatchedTimelines[]): void {
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
