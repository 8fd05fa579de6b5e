/** A map that iterates in key order. Keeps sorted runs of bounded length, so that inserts are cheap anywhere. */
export class SortedMap<T> {
  #runs: Run<T>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): T | undefined {
    const run = this.#runs[this.#runOf(key)];
    if (run === undefined) return undefined;
    const index = indexOf(run.keys, key, false);
    return run.keys[index] === key ? run.values[index] : undefined;
  }

  set(key: string, value: T): void {
    const place = this.#runOf(key);
    const run = this.#runs[place];
    if (run === undefined) {
      // An array literal reserves no room for further items: most partitions have one row.
      this.#runs = [{ keys: [key], values: [value] }];
      this.#size = 1;
      return;
    }
    const last = run.keys.at(-1);
    const index = last === undefined || last < key ? run.keys.length : indexOf(run.keys, key, false);
    if (run.keys[index] === key) {
      run.values[index] = value;
      return;
    }
    insert(run.keys, index, key);
    insert(run.values, index, value);
    this.#size++;
    if (run.keys.length > MAX_RUN_LENGTH) this.#split(place);
  }

  delete(key: string): void {
    const place = this.#runOf(key);
    const run = this.#runs[place];
    if (run === undefined) return;
    const index = indexOf(run.keys, key, false);
    if (run.keys[index] !== key) return;
    run.keys.splice(index, 1);
    run.values.splice(index, 1);
    this.#size--;
    if (run.keys.length === 0) this.#runs.splice(place, 1);
  }

  *values(): Generator<T> {
    for (const { values } of this.#runs) yield* values;
  }

  /**
   * Yields entries forward or backward from `start`, inclusive, to `end`, exclusive; an absent bound is open. The map
   * must not change meanwhile.
   */
  *range(start: string | undefined, end: string | undefined, backward = false): Generator<[key: string, value: T]> {
    if (backward) {
      const last = Math.min(start === undefined ? this.#runs.length : this.#runOf(start), this.#runs.length - 1);
      for (let place = last; place >= 0; place--) {
        const { keys, values } = this.#runs[place]!;
        const highest = start === undefined || place < last ? keys.length : indexOf(keys, start, true);
        for (let index = highest - 1; index >= 0; index--) {
          if (end !== undefined && keys[index]! <= end) return;
          yield [keys[index]!, values[index]!];
        }
      }
    } else {
      const first = start === undefined ? 0 : this.#runOf(start);
      for (let place = first; place < this.#runs.length; place++) {
        const { keys, values } = this.#runs[place]!;
        for (
          let index = start === undefined || place > first ? 0 : indexOf(keys, start, false);
          index < keys.length;
          index++
        ) {
          if (end !== undefined && keys[index]! >= end) return;
          yield [keys[index]!, values[index]!];
        }
      }
    }
  }

  /** Leaves runs full if keys arrive in order; otherwise leaves room in both halves. */
  #split(place: number): void {
    const { keys, values } = this.#runs[place]!;
    const middle = place === this.#runs.length - 1 ? MAX_RUN_LENGTH : MAX_RUN_LENGTH >>> 1;
    this.#runs.splice(place + 1, 0, { keys: keys.splice(middle), values: values.splice(middle) });
  }

  /** Returns the last run that begins at or below the key, or the first. */
  #runOf(key: string): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#runs[middle]!.keys[0]! <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

interface Run<T> {
  readonly keys: string[];
  readonly values: T[];
}

const MAX_RUN_LENGTH = 512;

function insert<T>(list: T[], index: number, item: T): void {
  if (index === list.length) list.push(item);
  else list.splice(index, 0, item);
}

/** Returns the index of the first key at or above `key`, or above it if `after`. */
function indexOf(keys: readonly string[], key: string, after: boolean): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const candidate = keys[middle]!;
    if (candidate < key || (after && candidate === key)) low = middle + 1;
    else high = middle;
  }
  return low;
}
