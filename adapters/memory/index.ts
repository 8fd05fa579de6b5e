import { randomBytes } from 'node:crypto';
import type {
  AdapterCheckpoints,
  AdapterHead,
  AdapterLibrary,
  Capabilities,
  LibraryOptions,
  Payload,
  Position,
  Range,
  Row,
  Slice,
  TimelineAdapter,
  Write,
  WriteOutcome,
} from '../../src/adapter.js';
import { resolveOptions } from '../../src/adapter-options.js';
import { isTimelineError, TimelineError } from '../../src/errors.js';
import { TimelineData } from './timeline-data.js';

export interface MemoryAdapterOptions {
  /** Milliseconds that an idempotency key is remembered. Default: 7 days. */
  readonly keyWindowMs?: number | undefined;
  /** Milliseconds between removals of what has expired. Default: 1000. */
  readonly sweepMs?: number | undefined;
}

const WEEK_MS = 7 * 24 * 3600 * 1000;

/** The data of one library, shared by every store opened on it. */
interface LibraryData {
  readonly timelines: Map<string, TimelineData>;
  readonly watchers: Map<string, Set<() => void>>;
}

/**
 * Timelines in the memory of this process: for tests and prototypes, and the readable reference of the contract. The
 * data live as long as the adapter object and survive closing and opening again.
 */
export function memoryAdapter(options: MemoryAdapterOptions = {}): TimelineAdapter {
  const { keyWindowMs, sweepMs } = resolveOptions('memoryAdapter', { keyWindowMs: WEEK_MS, sweepMs: 1000 }, options);
  const libraries = new Map<string, LibraryData>();
  const epoch = randomBytes(9).toString('base64url');
  return {
    name: 'memory',
    async open(library) {
      let data = libraries.get(library.name);
      if (!data) {
        data = { timelines: new Map(), watchers: new Map() };
        libraries.set(library.name, data);
      }
      return new MemoryLibrary(data, library, { epoch, keyWindowMs, sweepMs });
    },
  };
}

class MemoryLibrary implements AdapterLibrary {
  readonly capabilities: Capabilities;
  readonly checkpoints: AdapterCheckpoints;
  readonly #data: LibraryData;
  readonly #now: () => number;
  readonly #rules: { epoch: string; ttlMs: number | undefined; keyWindowMs: number };
  readonly #sweeper: NodeJS.Timeout;

  constructor(data: LibraryData, library: LibraryOptions, settings: { epoch: string; keyWindowMs: number; sweepMs: number }) {
    const { epoch, keyWindowMs, sweepMs } = settings;
    this.#data = data;
    this.#now = library.now;
    this.#rules = { epoch, keyWindowMs, ttlMs: library.ttlMs };
    this.capabilities = capabilitiesWith(keyWindowMs);
    this.checkpoints = this.#checkpoints();
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs).unref();
  }

  async append(writes: readonly Write[]): Promise<readonly WriteOutcome[]> {
    const outcomes = writes.map((write) => this.#append(write));
    for (const { timeline } of writes) for (const wake of this.#data.watchers.get(timeline) ?? []) wake();
    return outcomes;
  }

  #append(write: Write): WriteOutcome {
    try {
      return { ok: true, epoch: this.#rules.epoch, entries: this.#timeline(write.timeline).append(write, this.#now()) };
    } catch (error) {
      if (!isTimelineError(error)) throw error;
      return { ok: false, error };
    }
  }

  async read(ranges: readonly Range[]): Promise<readonly Slice[]> {
    const now = this.#now();
    return ranges.map((range) => this.#peek(range.timeline).read(range, now));
  }

  async heads(timelines: readonly string[]): Promise<readonly AdapterHead[]> {
    const now = this.#now();
    return timelines.map((timeline) => this.#peek(timeline).head(now));
  }

  async update(timeline: string, seqId: bigint, payload: Payload, ifRevision?: number): Promise<{ epoch: string; row: Row }> {
    return { epoch: this.#rules.epoch, row: this.#peek(timeline).update(timeline, seqId, payload, ifRevision, this.#now()) };
  }

  async delete(timeline: string, seqId: bigint): Promise<void> {
    this.#peek(timeline).delete(seqId);
  }

  async trim(timeline: string, cut: { readonly through: bigint } | { readonly keepLast: number }): Promise<void> {
    this.#peek(timeline).trim(cut);
  }

  async timelines({ prefix, after, limit }: { prefix: string; after?: string; limit: number }): Promise<readonly string[]> {
    const ids = [...this.#data.timelines.entries()].filter(([, data]) => data.head(0).lastSeqId > 0n).map(([id]) => id);
    const wanted = ids.filter((id) => id.startsWith(prefix) && (after === undefined || compareBytes(id, after) > 0));
    return wanted.sort(compareBytes).slice(0, limit);
  }

  watch(timeline: string, wake: () => void): () => void {
    const { watchers } = this.#data;
    const set = watchers.get(timeline) ?? new Set();
    watchers.set(timeline, set.add(wake));
    return () => {
      set.delete(wake);
      if (set.size === 0 && watchers.get(timeline) === set) watchers.delete(timeline);
    };
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
  }

  #checkpoints(): AdapterCheckpoints {
    const find = (key: { timeline: string; reader: string }) => this.#peek(key.timeline).checkpoints.get(key.reader);
    return {
      get: async (keys) => keys.map(find),
      advance: async (items) =>
        items.map(({ timeline, reader, epoch, seqId }): Position => {
          const stands = find({ timeline, reader });
          if (stands && stands.epoch !== epoch) {
            const message = `the checkpoint of ${JSON.stringify(reader)} is of another epoch; reset it`;
            throw new TimelineError('TIMELINE_EPOCH_CHANGED', message, { timeline, actual: stands.seqId });
          }
          if (stands && stands.seqId >= seqId) return stands;
          const position = { epoch, seqId };
          this.#timeline(timeline).checkpoints.set(reader, position);
          return position;
        }),
      reset: async (items) => {
        for (const { timeline, reader, position } of items) {
          if (position) this.#timeline(timeline).checkpoints.set(reader, position);
          else this.#peek(timeline).checkpoints.delete(reader);
        }
      },
    };
  }

  #timeline(id: string): TimelineData {
    let data = this.#data.timelines.get(id);
    if (!data) {
      data = new TimelineData(this.#rules);
      this.#data.timelines.set(id, data);
    }
    return data;
  }

  /** For readers: a Timeline never written to leaves no trace. */
  #peek(id: string): TimelineData {
    return this.#data.timelines.get(id) ?? new TimelineData(this.#rules);
  }

  #sweep(): void {
    const now = this.#now();
    for (const data of this.#data.timelines.values()) data.sweep(now);
  }
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function capabilitiesWith(keyWindowMs: number): Capabilities {
  return {
    adapter: 'memory',
    dense: true,
    visibility: 'strict',
    atomicBatch: 10_000,
    maxAtomicBytes: 16 * 1024 * 1024,
    maxBodyBytes: 1024 * 1024,
    keyWindowMs,
    expectedLast: true,
    manualIds: true,
    update: true,
    delete: true,
    trim: true,
    timelines: true,
    checkpoints: true,
    minTtlMs: 1,
    wakeWithinMs: 5,
    durability: 'none',
    readOnly: false,
  };
}
