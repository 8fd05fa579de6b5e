import type { Call, ListingRange } from '../../src/adapter.js';
import type { TimelineKeys } from './keys.js';
import type { LibraryContext } from './library.js';
import { LIST_TIMELINES } from './scripts/list-timelines.js';
import { COUNT_LISTED } from './scripts/look.js';

/** What a registry was when it was last looked at. */
interface Seen {
  readonly life: string;
  readonly count: number;
}

/**
 * The ids of a library's Timelines, in sorted sets: for listing and for sweeping. An id is listed before the first
 * append to it is sent, so a crash can leave an id without entries but never entries without their id. A registry that
 * was lost comes back with what is written and read.
 */
export class Registry {
  readonly #library: LibraryContext;
  readonly #seen = new Map<string, Seen>();
  #noted: TimelineKeys[] = [];
  /** Timelines may exist that are not listed, whoever wrote them. */
  isIncomplete = false;

  constructor(library: LibraryContext) {
    this.#library = library;
  }

  /**
   * Undefined if all are listed. Fails as a read does: it may be done again, and nothing of the Timelines has changed.
   */
  add(timelines: readonly { readonly keys: TimelineKeys }[], call: Call): Promise<void> | undefined {
    const unlisted = timelines.filter(({ keys }) => !keys.listed).map(({ keys }) => keys);
    return unlisted.length === 0 ? undefined : this.#add(unlisted, call);
  }

  /** Lists what was found by reading, once for each time that this process learns of it. */
  note(keys: TimelineKeys): void {
    keys.noted = true;
    if (this.#noted.push(keys) === 1) setImmediate(() => this.#addNoted());
  }

  #addNoted(): void {
    const noted = this.#noted;
    this.#noted = [];
    // Without them reads go on as well; once they are forgotten they are noted again.
    this.#add(noted, this.#library.connections.newCall()).catch(() => {});
  }

  async #add(timelines: readonly TimelineKeys[], call: Call): Promise<void> {
    const { keys, connections } = this.#library;
    const shards = new Map<string, string[]>();
    for (const { timeline } of timelines) {
      const registry = keys.registryOf(timeline);
      const members = shards.get(registry);
      if (members) members.push(timeline);
      else shards.set(registry, [timeline]);
    }
    await Promise.all(
      [...shards].map(([registry, members]) => connections.repeat(LIST_TIMELINES, [registry], members, call)),
    );
    for (const each of timelines) each.listed = true;
  }

  /** No id is ever taken out: fewer than before, or another life of the server, mean that some may have been lost. */
  async look(call: Call): Promise<void> {
    const { keys, connections } = this.#library;
    const looks = keys.registries().map(async (registry) => {
      const [life = '', count] = ((await connections.repeat(COUNT_LISTED, [registry], [], call)) as string).split(' ');
      const seen = this.#seen.get(registry);
      this.#seen.set(registry, { life, count: Number(count) });
      return seen !== undefined && (seen.life !== life || Number(count) < seen.count);
    });
    if ((await Promise.all(looks)).some(Boolean)) this.suspect();
  }

  /** Ids may be missing. */
  suspect(): void {
    this.isIncomplete = true;
    this.#library.keys.forget();
  }

  /** Ids in ascending order of their bytes, whether or not anything was written to them. */
  async page({ prefix, after, limit }: ListingRange, call: Call): Promise<string[]> {
    const { keys, connections } = this.#library;
    const beyond = after !== undefined && compareBytes(after, prefix) >= 0;
    const low = beyond ? `(${after}` : prefix === '' ? '-' : `[${prefix}`;
    // No UTF-8 text holds the byte 0xff, so this is above every id with the prefix.
    const high = prefix === '' ? '+' : Buffer.concat([Buffer.from(`(${prefix}`), Buffer.from([0xff])]);
    const args = [low, high, 'LIMIT', 0, limit];
    const pages = keys.registries().map((registry) => connections.ask('zrangebylex', [registry, ...args], call));
    const shards = await Promise.all(pages);
    const ids = (shards as string[][]).flat();
    return shards.length === 1 ? ids : ids.sort(compareBytes).slice(0, limit);
  }
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
