import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../emulator/options.js';
import { SortedMap } from '../../emulator/storage/sorted-map.js';

describe('a sorted map', () => {
  it('has no range while it is empty, and none after everything is gone', () => {
    const map = new SortedMap<number>();
    const ranges = () =>
      [true, false].flatMap((backward) => ['a', undefined].map((start) => [...map.range(start, undefined, backward)]));
    expect(ranges()).toEqual([[], [], [], []]);
    map.set('a', 1);
    map.delete('a');
    map.delete('a');
    expect([ranges(), map.size, map.get('a')]).toEqual([[[], [], [], []], 0, undefined]);
  });

  it.each([40, 4000])('holds what a plain map of %i keys holds, in order, over any changes', (keys) => {
    const random = seededRandom(keys);
    const key = () => String(Math.floor(random() * keys)).padStart(5, '0');
    const map = new SortedMap<number>();
    const plain = new Map<string, number>();
    for (let step = 0; step < 20_000; step++) {
      const name = key();
      // Phases of growing and shrinking, so that runs are split and vanish.
      if (random() < (step % 6000 < 4000 ? 0.8 : 0.1)) {
        map.set(name, step);
        plain.set(name, step);
      } else {
        map.delete(name);
        plain.delete(name);
      }
      if (step % 500 !== 0) continue;
      const sorted = [...plain].sort(([a], [b]) => (a < b ? -1 : 1));
      const [low, high] = [key(), key()].sort() as [string, string];
      expect(map.size).toBe(plain.size);
      expect(map.get(name)).toBe(plain.get(name));
      expect([...map.values()]).toEqual(sorted.map(([, value]) => value));
      expect([...map.range(low, high)]).toEqual(sorted.filter(([at]) => at >= low && at < high));
      expect([...map.range(high, low, true)]).toEqual(sorted.filter(([at]) => at <= high && at > low).reverse());
      expect([...map.range(undefined, high)]).toEqual(sorted.filter(([at]) => at < high));
      expect([...map.range(low, undefined)]).toEqual(sorted.filter(([at]) => at >= low));
      expect([...map.range(undefined, low, true)]).toEqual(sorted.filter(([at]) => at > low).reverse());
      expect([...map.range(high, undefined, true)]).toEqual(sorted.filter(([at]) => at <= high).reverse());
    }
  });
});
