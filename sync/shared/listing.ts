import type { Listing } from '../types.js';

/** Yields the items of a list of any shape one by one. */
export async function* each<T>(listing: Listing<T>): AsyncGenerator<T, void, undefined> {
  yield* await listing;
}

/** Groups items by `size`, and holds one group at a time. */
export async function* chunks<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[], void, undefined> {
  let chunk: T[] = [];
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** Groups under way at once: while the store works on one, this process does on the other. */
const GROUPS_AT_ONCE = 2;

/** Calls `work` with the items in groups of `size`, two at once. */
export async function inGroups<T>(
  items: readonly T[],
  size: number,
  work: (group: readonly T[]) => Promise<void>,
): Promise<void> {
  let start = 0;
  const run = async () => {
    while (start < items.length) {
      const group = items.slice(start, start + size);
      start += size;
      await work(group);
    }
  };
  await Promise.all(Array.from({ length: GROUPS_AT_ONCE }, run));
}

/** A map that drops the least recently used values beyond `limit`. */
export class RecentMap<K, V> {
  readonly #map = new Map<K, V>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Returns the value of a key, made if absent. `isBusy` values stay, whatever the limit. */
  use(key: K, make: () => V, isBusy: (value: V) => boolean = () => false): V {
    let value = this.#map.get(key);
    if (value === undefined) {
      value = make();
      for (const [old, kept] of this.#map) {
        if (this.#map.size < this.#limit) break;
        if (!isBusy(kept)) this.#map.delete(old);
      }
    } else this.#map.delete(key);
    this.#map.set(key, value);
    return value;
  }

  get(key: K): V | undefined {
    return this.#map.get(key);
  }

  values(): IterableIterator<V> {
    return this.#map.values();
  }
}
