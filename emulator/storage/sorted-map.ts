/** A map that iterates in the order of its keys. Adding at the end is cheap, in the middle it moves what follows. */
export class SortedMap<T> {
  readonly #keys: string[] = [];
  readonly #values = new Map<string, T>();

  get size(): number {
    return this.#keys.length;
  }

  get(key: string): T | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: T): void {
    if (!this.#values.has(key)) {
      const last = this.#keys.at(-1);
      if (last === undefined || last < key) this.#keys.push(key);
      else this.#keys.splice(this.#indexOf(key, false), 0, key);
    }
    this.#values.set(key, value);
  }

  delete(key: string): void {
    if (this.#values.delete(key)) this.#keys.splice(this.#indexOf(key, false), 1);
  }

  *values(): Generator<T> {
    for (const key of this.#keys) yield this.#values.get(key)!;
  }

  /** Forward: keys from `start` up to but without `end`. Backward: keys from `start` down to but without `end`. Absent: no bound. */
  *range(start: string | undefined, end: string | undefined, backward = false): Generator<[key: string, value: T]> {
    if (backward) {
      const lowest = end === undefined ? 0 : this.#indexOf(end, true);
      const highest = start === undefined ? this.#keys.length : this.#indexOf(start, true);
      for (let index = highest - 1; index >= lowest; index--) yield this.#entry(index);
    } else {
      const lowest = start === undefined ? 0 : this.#indexOf(start, false);
      const highest = end === undefined ? this.#keys.length : this.#indexOf(end, false);
      for (let index = lowest; index < highest; index++) yield this.#entry(index);
    }
  }

  #entry(index: number): [string, T] {
    const key = this.#keys[index]!;
    return [key, this.#values.get(key)!];
  }

  /** Index of the first key at or above `key`, or above it if `after`. */
  #indexOf(key: string, after: boolean): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const candidate = this.#keys[middle]!;
      if (candidate < key || (after && candidate === key)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
