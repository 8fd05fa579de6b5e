import { Sweeper } from '../../../src/toolkit/index.js';
import type { LibraryBase } from '../tables/open.js';
import { type LifeRecords, storageName } from './life-records.js';

interface Watched {
  readonly timeline: string;
  readonly wake: () => void;
  /** Undefined until it is read. */
  life: string | undefined;
  stop: (() => void) | undefined;
}

/** Watches the present lives of Timelines. Looks for drops of other processes every `idlePollMs`. */
export class LifeWatch {
  readonly #base: LibraryBase;
  readonly #records: LifeRecords;
  readonly #watchStorage: (storage: string, wake: () => void) => () => void;
  readonly #watched = new Set<Watched>();
  readonly #poller: Sweeper;

  constructor(
    base: LibraryBase,
    records: LifeRecords,
    watchStorage: (storage: string, wake: () => void) => () => void,
  ) {
    this.#base = base;
    this.#records = records;
    this.#watchStorage = watchStorage;
    const { idlePollMs } = base.settings;
    this.#poller = new Sweeper({ step: () => this.#look().then(() => idlePollMs), retryMs: idlePollMs });
  }

  add(timeline: string, wake: () => void): () => void {
    const watched: Watched = { timeline, wake, life: undefined, stop: undefined };
    this.#watched.add(watched);
    this.look();
    return () => {
      this.#watched.delete(watched);
      watched.stop?.();
      watched.stop = undefined;
    };
  }

  /** Call after a drop of this process. */
  look(): void {
    this.#poller.hurry();
  }

  close(): void {
    void this.#poller.close();
    for (const watched of this.#watched) watched.stop?.();
    this.#watched.clear();
  }

  async #look(): Promise<void> {
    const { requests } = this.#base;
    const all = [...this.#watched];
    if (all.length === 0) return;
    const timelines = all.map(({ timeline }) => timeline);
    const lives = await this.#records.read(timelines, requests.transport.newCall());
    for (const watched of all) this.#follow(watched, lives.get(watched.timeline) as string);
  }

  #follow(watched: Watched, life: string): void {
    if (!this.#watched.has(watched) || watched.life === life) return;
    const wasKnown = watched.life !== undefined;
    watched.stop?.();
    watched.life = life;
    watched.stop = this.#watchStorage(storageName(watched.timeline, life), watched.wake);
    if (wasKnown) watched.wake();
  }
}
