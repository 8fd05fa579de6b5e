import type { LibrarySettings } from './library-settings.js';
import { RecentMap } from './listing.js';

/** Users whose inboxes are remembered. */
const MAX_INBOXES = 10_000;

/** Notices while a process runs that the sync library was restored: its inboxes have another epoch than before. */
export class InboxEpochs {
  readonly #settings: () => Promise<LibrarySettings>;
  readonly #renew: () => Promise<LibrarySettings>;
  readonly #known = new RecentMap<string, { epoch: string }>(MAX_INBOXES);
  /** The store has one epoch for all Timelines of the library. */
  #isShared = false;

  /** `renew` reads the settings anew. */
  constructor(settings: () => Promise<LibrarySettings>, renew: () => Promise<LibrarySettings>) {
    this.#settings = settings;
    this.#renew = renew;
  }

  /** Resolves with `true` if a library has begun another life since the last look; see `LibrarySettings`. */
  async hasNewLife(user: string, epoch: string): Promise<boolean> {
    if (epoch === '') return false;
    const known = this.#known.use(user, () => ({ epoch: '' }));
    const isFirst = known.epoch === '';
    const isSame = known.epoch === epoch;
    known.epoch = epoch;
    if (isSame) return false;
    const { life, syncEpoch } = await this.#settings();
    if (epoch === syncEpoch) this.#isShared = true;
    else if (!isFirst || this.#isShared) return (await this.#renew()).life !== life;
    return false;
  }
}
