import type { Call, ListingRange } from '../../src/adapter.js';
import { compareUtf8, isTimelineError } from '../../src/toolkit/index.js';
import type { RedisClient } from './connection/client.js';
import type { KnownTimeline } from './keys.js';
import type { Library } from './library.js';
import { COUNT_LISTED, LIST_TIMELINES } from './scripts.generated.js';

/** Keys that one step of SCAN looks at: less than a millisecond of the server. */
const KEYS_PER_STEP = 1000;

interface RegistryCount {
  readonly replicationId: string;
  readonly count: number;
}

/**
 * The ids of a library's Timelines, in sorted sets: for listing and for sweeping. An id is listed before the first
 * append to it is sent, so a crash can leave an id without entries but never entries without their id. Writes, reads
 * and {@link rebuildIfIncomplete} restore a registry that was lost.
 */
export class Registry {
  readonly #library: Library;
  readonly #lastCounts = new Map<string, RegistryCount>();
  #toAdd: KnownTimeline[] = [];
  /** Timelines may exist that are not listed. */
  #isIncomplete = false;

  constructor(library: Library) {
    this.#library = library;
  }

  /**
   * Lists Timelines; undefined if this process has listed all of them. Fails as a read does: it may be repeated, and
   * nothing of the Timelines has changed.
   */
  add(timelines: readonly KnownTimeline[], call: Call): Promise<void> | undefined {
    const unlisted = timelines.filter(({ isListed }) => !isListed);
    return unlisted.length === 0 ? undefined : this.#add(unlisted, call);
  }

  /** Lists a Timeline that a read has found, together with others of this turn. */
  addLater(timeline: KnownTimeline): void {
    timeline.isBeingListed = true;
    if (this.#toAdd.push(timeline) > 1) return;
    setImmediate(() => {
      const timelines = this.#toAdd;
      this.#toAdd = [];
      // Reads work without the registry, and try again once the Timelines are forgotten.
      this.#add(timelines, this.#library.connections.newCall()).catch(() => {});
    });
  }

  async #add(timelines: readonly KnownTimeline[], call: Call): Promise<void> {
    const { keys, connections } = this.#library;
    const shards = new Map<string, string[]>();
    for (const { id } of timelines) {
      const registry = keys.registryKeyOf(id);
      const members = shards.get(registry);
      if (members) members.push(id);
      else shards.set(registry, [id]);
    }
    await Promise.all(
      [...shards].map(([registry, members]) =>
        connections.write.script(LIST_TIMELINES, [registry], members, call, { idempotent: true }),
      ),
    );
    for (const each of timelines) each.isListed = true;
  }

  /**
   * No id is ever taken out: fewer ids than at the last check, or another replication id, mean that some may have been
   * lost.
   */
  async checkForLoss(call: Call): Promise<void> {
    const { keys, connections } = this.#library;
    const checks = keys.registryKeys().map(async (registry) => {
      const answer = (await connections.read.script(COUNT_LISTED, [registry], [], call)) as string;
      const [replicationId = '', count] = answer.split(' ');
      const last = this.#lastCounts.get(registry);
      this.#lastCounts.set(registry, { replicationId, count: Number(count) });
      return last !== undefined && (last.replicationId !== replicationId || Number(count) < last.count);
    });
    if ((await Promise.all(checks)).some(Boolean)) this.markIncomplete();
  }

  /** Ids may be missing: {@link rebuildIfIncomplete} will look for them. */
  markIncomplete(): void {
    this.#isIncomplete = true;
    this.#library.keys.forget();
  }

  async count(call: Call): Promise<number> {
    const { keys, connections } = this.#library;
    const counts = await Promise.all(
      keys.registryKeys().map((registry) => connections.read.command('zcard', [registry], call)),
    );
    return counts.reduce<number>((sum, count) => sum + Number(count), 0);
  }

  /** Ids in ascending order of their bytes, whether or not anything was written to them. */
  async page({ prefix, after, limit }: ListingRange, call: Call): Promise<string[]> {
    const { keys, connections } = this.#library;
    const isInside = after !== undefined && compareUtf8(after, prefix) >= 0;
    const low = isInside ? `(${after}` : prefix === '' ? '-' : `[${prefix}`;
    // No UTF-8 text holds the byte 0xff, so this is above every id with the prefix.
    const high = prefix === '' ? '+' : Buffer.concat([Buffer.from(`(${prefix}`), Buffer.from([0xff])]);
    const args = [low, high, 'LIMIT', 0, limit];
    const pages = keys
      .registryKeys()
      .map((registry) => connections.read.command('zrangebylex', [registry, ...args], call));
    const shards = (await Promise.all(pages)) as string[][];
    const ids = shards.flat();
    return shards.length === 1 ? ids : ids.sort(compareUtf8).slice(0, limit);
  }

  async rebuildIfIncomplete(isClosed: () => boolean): Promise<void> {
    if (!this.#isIncomplete) return;
    try {
      await this.#rebuild(isClosed);
    } catch (error) {
      // For a user who may not scan, writes and reads alone restore the registry.
      if (!isTimelineError(error) || error.retryable || error.outcome === 'unknown') throw error;
    }
    this.#isIncomplete = false;
  }

  /**
   * Lists every Timeline that has a state. Walks all keys of the database by SCAN in small steps, on every master of a
   * Cluster: the sweep has to find Timelines that nobody writes or reads any more, too.
   */
  async #rebuild(isClosed: () => boolean): Promise<void> {
    const { connections, keys } = this.#library;
    const clientPrefix = connections.keyPrefix;
    const pattern = keys.stateKeyPattern(clientPrefix);
    const cursors = new Map<RedisClient, string>();
    const found = new Set<string>();
    const step = async (node: RedisClient) => {
      const cursor = cursors.get(node) ?? '0';
      if (cursor === 'end') return;
      const args = [cursor, 'MATCH', pattern, 'COUNT', KEYS_PER_STEP];
      const [next, some] = (await node.call('scan', args)) as [string, string[]];
      for (const key of some) {
        const timeline = keys.timelineOf(key.slice(clientPrefix.length));
        if (timeline !== undefined) found.add(timeline);
      }
      cursors.set(node, next === '0' ? 'end' : next);
    };
    do {
      await connections.onMasters(step, connections.newCall());
      const timelines = [...found].map((timeline) => keys.of(timeline));
      found.clear();
      await this.add(timelines, connections.newCall());
    } while (!isClosed() && [...cursors.values()].some((cursor) => cursor !== 'end'));
  }
}
