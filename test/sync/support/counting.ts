import type { AdapterCheckpoints, AdapterLibrary, TimelineAdapter } from '../../../src/adapter.js';

/** Counts the calls of a store since the last {@link Counts.reset}. */
export class Counts {
  calls: Record<string, number> = {};
  /** Entries added. */
  entries = 0;
  /** Bodies handed to it: one that many entries share counts once. */
  bodies = 0;
  /** Calls that had to wait for one another: what a distant store makes slow. */
  depth = 0;

  reset(): void {
    this.calls = {};
    this.entries = 0;
    this.bodies = 0;
    this.depth = 0;
  }

  get total(): number {
    return Object.values(this.calls).reduce((sum, count) => sum + count, 0);
  }

  async count<T>(name: string, call: () => Promise<T>): Promise<T> {
    this.calls[name] = (this.calls[name] ?? 0) + 1;
    const depth = this.depth + 1;
    try {
      return await call();
    } finally {
      if (depth > this.depth) this.depth = depth;
    }
  }
}

/** The adapter, counted. Several libraries may share their counts. */
export function counting(adapter: TimelineAdapter, counts: Counts): TimelineAdapter {
  return {
    name: adapter.name,
    open: async (options) => countLibrary(await adapter.open(options), counts, options.name),
  };
}

function countLibrary(library: AdapterLibrary, counts: Counts, name: string): AdapterLibrary {
  const { checkpoints } = library;
  const counted: Partial<AdapterLibrary> = {
    append: (writes, call) =>
      counts.count(`${name}.append`, async () => {
        const outcomes = await library.append(writes, call);
        const added = outcomes.flatMap((outcome) =>
          outcome.ok ? outcome.entries.filter(({ duplicate }) => !duplicate) : [],
        );
        counts.entries += added.length;
        counts.bodies += new Set(writes.flatMap(({ entries }) => entries.map(({ payload }) => payload))).size;
        return outcomes;
      }),
    read: (ranges, call) => counts.count(`${name}.read`, () => library.read(ranges, call)),
    heads: (timelines, call) => counts.count(`${name}.heads`, () => library.heads(timelines, call)),
    ...(checkpoints && { checkpoints: countCheckpoints(checkpoints, counts, name) }),
  };
  return new Proxy(library, {
    get(target, property) {
      const own = counted[property as keyof AdapterLibrary];
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, property);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function countCheckpoints(checkpoints: AdapterCheckpoints, counts: Counts, name: string): AdapterCheckpoints {
  return {
    get: (keys, call) => counts.count(`${name}.checkpoints`, () => checkpoints.get(keys, call)),
    advance: (items, call) => counts.count(`${name}.advance`, () => checkpoints.advance(items, call)),
    reset: (items, call) => counts.count(`${name}.reset`, () => checkpoints.reset(items, call)),
  };
}
