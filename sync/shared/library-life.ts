import type { Clock } from './clock.js';
import type { LibrarySettings } from './library-settings.js';
import { RecentMap } from './listing.js';

/** Users whose inboxes are remembered. */
const MAX_INBOXES = 10_000;
/** Milliseconds between two looks at the libraries. */
const LOOK_MS = 1000;

/** Settings of the libraries, for {@link LibraryLife}. */
export interface LifeSource {
  /** The settings as this process knows them. */
  settings(): Promise<LibrarySettings>;
  /** Reads the settings anew. */
  renew(): Promise<LibrarySettings>;
  /** Resolves with `false` if the libraries have other epochs than the settings say. */
  isCurrent(settings: LibrarySettings): Promise<boolean>;
}

/** Notices while a process runs that a library was restored to an earlier state. */
export class LibraryLife {
  readonly #source: LifeSource;
  readonly #clock: Clock;
  readonly #known = new RecentMap<string, { epoch: string }>(MAX_INBOXES);
  /** The store has one epoch for all Timelines of the library. */
  #isShared = false;
  #lookedAt: number;
  #looking: Promise<void> | undefined;

  constructor(source: LifeSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
    this.#lookedAt = clock.elapsed();
  }

  /**
   * Call it with the epoch of each inbox that is read. Resolves with `true` if a library has begun another life since
   * the last call; see `LibrarySettings`.
   */
  async hasNewLife(user: string, epoch: string): Promise<boolean> {
    if (epoch === '') return false;
    const known = this.#known.use(user, () => ({ epoch: '' }));
    const isFirst = known.epoch === '';
    const isSame = known.epoch === epoch;
    known.epoch = epoch;
    if (isSame) return false;
    const { life, syncEpoch } = await this.#source.settings();
    if (epoch === syncEpoch) this.#isShared = true;
    else if (!isFirst || this.#isShared) return (await this.#source.renew()).life !== life;
    return false;
  }

  /**
   * Looks at the libraries, unless it did so within a second. Nobody waits for it: it must not delay or fail the reader
   * of one library while another one is away.
   */
  look(): void {
    if (this.#clock.elapsed() - this.#lookedAt < LOOK_MS) return;
    this.lookNow().catch(() => undefined);
  }

  /** Entries of a conversation are lost. Resolves once the settings are those of the present life. */
  lookNow(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#lookedAt = this.#clock.elapsed();
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    if (!(await this.#source.isCurrent(await this.#source.settings()))) await this.#source.renew();
  }
}
