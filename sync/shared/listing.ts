import type { Listing } from '../types.js';

/** One by one, whatever shape the caller's list has. */
export async function* each<T>(listing: Listing<T>): AsyncGenerator<T, void, undefined> {
  yield* await listing;
}

/** The sender's other devices want the message too, whether or not the directory lists the sender. */
export async function* withSender(members: AsyncIterable<string>, sender: string | undefined): AsyncGenerator<string> {
  if (sender !== undefined) yield sender;
  for await (const member of members) if (member !== sender) yield member;
}

/** In groups of `size`, without holding more than one. */
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

/** A map that forgets what was used longest ago once it holds more than `limit`. */
export class Recent<K, V> {
  readonly #map = new Map<K, V>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** `busy` values are kept, whatever the limit. */
  use(key: K, make: () => V, busy: (value: V) => boolean = () => false): V {
    let value = this.#map.get(key);
    if (value === undefined) {
      value = make();
      for (const [old, kept] of this.#map) {
        if (this.#map.size < this.#limit) break;
        if (!busy(kept)) this.#map.delete(old);
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
