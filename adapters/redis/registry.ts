import type { TimelineKeys } from './keys.js';
import type { LibraryContext } from './library.js';
import type { Reader } from './read.js';
import { LIST_TIMELINES } from './scripts/list-timelines.js';

/**
 * The ids of a library's Timelines, in sorted sets: for listing and for sweeping. An id is listed before the first append to it is
 * sent, so a crash can leave an id without entries but never entries without their id.
 */
export class Registry {
  constructor(
    private readonly library: LibraryContext,
    private readonly reader: Reader,
  ) {}

  /** Undefined if all are listed. Fails as a read does: it may be done again, and nothing of the Timelines has changed. */
  add(timelines: readonly { readonly keys: TimelineKeys }[]): Promise<void> | undefined {
    const unlisted = timelines.filter(({ keys }) => !keys.listed).map(({ keys }) => keys);
    return unlisted.length === 0 ? undefined : this.#add(unlisted);
  }

  async #add(timelines: readonly TimelineKeys[]): Promise<void> {
    const { keys, connections } = this.library;
    const shards = new Map<string, string[]>();
    for (const { timeline } of timelines) {
      const registry = keys.registryOf(timeline);
      const members = shards.get(registry);
      if (members) members.push(timeline);
      else shards.set(registry, [timeline]);
    }
    await Promise.all([...shards].map(([registry, members]) => connections.repeat(LIST_TIMELINES, [registry], members)));
    for (const each of timelines) each.listed = true;
  }

  async list({ prefix, after, limit }: { prefix: string; after?: string; limit: number }): Promise<readonly string[]> {
    let from = after;
    for (;;) {
      const ids = await this.page(prefix, from, limit);
      const states = ids.length === 0 ? [] : await this.reader.states(ids, Number.NEGATIVE_INFINITY);
      const written = ids.filter((_, i) => (states[i]?.lastSeqId ?? 0n) > 0n);
      if (written.length > 0 || ids.length < limit) return written;
      from = ids.at(-1);
    }
  }

  /** Ids in ascending order of their bytes, whether or not anything was written to them. */
  async page(prefix: string, after: string | undefined, limit: number): Promise<string[]> {
    const { keys, connections } = this.library;
    const beyond = after !== undefined && compareBytes(after, prefix) >= 0;
    const low = beyond ? `(${after}` : prefix === '' ? '-' : `[${prefix}`;
    // No UTF-8 text holds the byte 0xff, so this is above every id with the prefix.
    const high = prefix === '' ? '+' : Buffer.concat([Buffer.from(`(${prefix}`), Buffer.from([0xff])]);
    const args = [low, high, 'LIMIT', 0, limit];
    const shards = await Promise.all(keys.registries().map((registry) => connections.ask('zrangebylex', [registry, ...args])));
    const ids = (shards as string[][]).flat();
    return shards.length === 1 ? ids : ids.sort(compareBytes).slice(0, limit);
  }
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
