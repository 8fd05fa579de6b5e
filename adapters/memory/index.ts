import { randomBytes } from 'node:crypto';
import type {
  AdapterCheckpoints,
  AdapterHead,
  AdapterLibrary,
  Capabilities,
  Count,
  CountRange,
  Cut,
  LibraryClock,
  LibraryOptions,
  ListingRange,
  Payload,
  Position,
  Range,
  Row,
  Slice,
  TimelineAdapter,
  Write,
  WriteOutcome,
} from '../../src/adapter.js';
import type { Nullable } from '../../src/entry-types.js';
import type { Reconciled } from '../../src/settings.js';
import {
  compareUtf8,
  entryNotFound,
  furtherPosition,
  isTimelineError,
  ListenerHub,
  reconcileSettings,
  resolveOptions,
  Sweeper,
  WatchHub,
} from '../../src/toolkit/index.js';
import { type Rules, TimelineData } from './timeline-data.js';

/** Options of `memoryAdapter`; all have defaults. */
export interface MemoryAdapterOptions {
  /** Milliseconds that an idempotency key is remembered. Default: as the library was created, 7 days for a new one. */
  readonly keyWindowMs?: number | undefined;
  /** Milliseconds between removals of what has expired. Default: 1000. */
  readonly sweepMs?: number | undefined;
}

const DEFAULTS: { readonly keyWindowMs: number | undefined; readonly sweepMs: number } = {
  keyWindowMs: undefined,
  sweepMs: 1000,
};
const WEEK_MS = 7 * 24 * 3600 * 1000;
const FORMAT = 1;
/** No call here waits for anything, but a busy process may be late. */
const BUDGET_MS = 10_000;

/** The data of one library, shared by every store opened on it. */
interface LibraryData {
  readonly timelines: Map<string, TimelineData>;
  readonly watchers: WatchHub;
  /** By topic. */
  readonly listeners: ListenerHub<[payload: string]>;
  settings: Reconciled;
  /** Accepted time, as `LibraryClock.exchange` gives it. */
  time: string | undefined;
}

/**
 * Timelines in the memory of this process, for tests and prototypes; and the readable reference of the contract. The
 * data live as long as the adapter object, and survive closing and opening a store.
 *
 * @example
 * const store = await openTimelineStore({ adapter: memoryAdapter(), name: 'chat' });
 */
export function memoryAdapter(options?: Nullable<MemoryAdapterOptions> | null): TimelineAdapter {
  const { keyWindowMs, sweepMs } = resolveOptions('memoryAdapter', DEFAULTS, options);
  const libraries = new Map<string, LibraryData>();
  const epoch = newEpoch();
  return {
    name: 'memory',
    budgetMs: BUDGET_MS,
    async open(library) {
      const { name, ttlMs, alter } = library;
      const wanted = { format: FORMAT, numbering: 'dense', ttlMs, keyWindowMs, defaultKeyWindowMs: WEEK_MS };
      const data = libraries.get(name);
      const settings = reconcileSettings(data?.settings.text, wanted, { library: name, alter });
      if (data) data.settings = settings;
      const opened = data ?? newLibraryData(settings);
      libraries.set(name, opened);
      return new MemoryLibrary(opened, library, { epoch, sweepMs });
    },
  };
}

function newEpoch(): string {
  return randomBytes(9).toString('base64url');
}

function newLibraryData(settings: Reconciled): LibraryData {
  return { timelines: new Map(), watchers: new WatchHub(), listeners: new ListenerHub(), settings, time: undefined };
}

class MemoryLibrary implements AdapterLibrary {
  readonly capabilities: Capabilities;
  readonly checkpoints: AdapterCheckpoints;
  readonly #data: LibraryData;
  readonly #clock: LibraryClock;
  readonly #epoch: string;
  readonly #sweeper: Sweeper;

  constructor(data: LibraryData, { clock }: LibraryOptions, settings: { epoch: string; sweepMs: number }) {
    this.#data = data;
    this.#clock = clock;
    this.#epoch = settings.epoch;
    data.time = clock.exchange(data.time);
    this.capabilities = capabilitiesWith(this.#rules.keyWindowMs);
    this.checkpoints = this.#checkpoints();
    const step = () => {
      this.#sweep();
      return settings.sweepMs;
    };
    this.#sweeper = new Sweeper({ step, retryMs: settings.sweepMs });
    this.#sweeper.start(settings.sweepMs);
  }

  get ttlMs(): number | undefined {
    return this.#rules.ttlMs;
  }

  /** Built for each call: another store on the same data may have altered the settings. */
  get #rules(): Rules {
    const { ttlMs, keyWindowMs } = this.#data.settings.settings;
    return { ttlMs: ttlMs ?? undefined, keyWindowMs: keyWindowMs ?? Number.POSITIVE_INFINITY };
  }

  async append(writes: readonly Write[]): Promise<readonly WriteOutcome[]> {
    const rules = this.#rules;
    return writes.map((write) => this.#append(write, rules));
  }

  #append(write: Write, rules: Rules): WriteOutcome {
    try {
      const data = this.#timeline(write.timeline);
      const { epoch } = data;
      const { appended, rows } = data.append(write, rules, this.#clock);
      if (rows.length > 0) this.#data.watchers.wake(write.timeline, { epoch, rows });
      return { ok: true, epoch, entries: appended };
    } catch (error) {
      if (!isTimelineError(error)) throw error;
      return { ok: false, error };
    }
  }

  async read(ranges: readonly Range[]): Promise<readonly Slice[]> {
    const [rules, now] = [this.#rules, this.#clock.expiryTime()];
    return ranges.map((range) => this.#peek(range.timeline).read(range, rules, now));
  }

  async heads(timelines: readonly string[]): Promise<readonly AdapterHead[]> {
    const [rules, now] = [this.#rules, this.#clock.expiryTime()];
    return timelines.map((timeline) => this.#peek(timeline).head(rules, now));
  }

  async count(ranges: readonly CountRange[]): Promise<readonly Count[]> {
    const [rules, now] = [this.#rules, this.#clock.expiryTime()];
    return ranges.map((range) => this.#peek(range.timeline).count(range, rules, now));
  }

  async update(
    timeline: string,
    seqId: bigint,
    payload: Payload,
    ifRevision?: number,
  ): Promise<{ epoch: string; row: Row }> {
    const data = this.#peek(timeline);
    if (!data.isKept(seqId, this.#rules, this.#clock.expiryTime())) throw entryNotFound(timeline, seqId);
    return { epoch: data.epoch, row: data.update(timeline, seqId, payload, ifRevision) };
  }

  async delete(timeline: string, seqId: bigint): Promise<void> {
    this.#peek(timeline).delete(seqId);
  }

  async trim(timeline: string, cut: Cut): Promise<void> {
    this.#peek(timeline).trim(cut);
  }

  async drop(timeline: string): Promise<void> {
    const data = this.#data.timelines.get(timeline);
    if (!data) return;
    if (data.last === 0n) data.checkpoints.clear();
    else this.#data.timelines.set(timeline, new TimelineData(newEpoch(), true));
    this.#data.watchers.wake(timeline);
  }

  async timelines({ prefix, after, limit }: ListingRange): Promise<readonly string[]> {
    const ids = [...this.#data.timelines.entries()].filter(([, data]) => data.last > 0n).map(([id]) => id);
    const wanted = ids.filter((id) => id.startsWith(prefix) && (after === undefined || compareUtf8(id, after) > 0));
    return wanted.sort(compareUtf8).slice(0, limit);
  }

  watch(timeline: string, wake: () => void): () => void {
    return this.#data.watchers.watch(timeline, wake);
  }

  async publish(topic: string, payload: string): Promise<void> {
    this.#data.listeners.tell(topic, payload);
  }

  listen(topic: string, hear: (payload: string) => void): () => void {
    return this.#data.listeners.add(topic, hear);
  }

  async close(): Promise<void> {
    await this.#sweeper.close();
    this.#data.time = this.#clock.exchange(this.#data.time);
  }

  #checkpoints(): AdapterCheckpoints {
    const find = (key: { timeline: string; reader: string }) => this.#peek(key.timeline).checkpoints.get(key.reader);
    return {
      get: async (keys) => keys.map(find),
      advance: async (items) =>
        items.map(({ timeline, reader, epoch, seqId }): Position => {
          const stored = find({ timeline, reader });
          const data = this.#peek(timeline);
          const present = data.wasDropped ? data.epoch : undefined;
          const position = furtherPosition({ timeline, reader }, stored, { epoch, seqId }, present);
          if (position !== stored) this.#timeline(timeline).checkpoints.set(reader, position);
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
      data = new TimelineData(this.#epoch);
      this.#data.timelines.set(id, data);
    }
    return data;
  }

  /** For readers: reading an unknown Timeline does not create it. */
  #peek(id: string): TimelineData {
    return this.#data.timelines.get(id) ?? new TimelineData(this.#epoch);
  }

  #sweep(): void {
    this.#data.time = this.#clock.exchange(this.#data.time);
    const [rules, now] = [this.#rules, this.#clock.expiryTime()];
    for (const data of this.#data.timelines.values()) data.sweep(rules, now);
  }
}

function capabilitiesWith(keyWindowMs: number): Capabilities {
  return {
    adapter: 'memory',
    dense: true,
    visibility: 'strict',
    atomicBatch: 10_000,
    maxAtomicBytes: 16 * 1024 * 1024,
    maxBodyBytes: 1024 * 1024,
    keyWindowMs: keyWindowMs === Number.POSITIVE_INFINITY ? null : keyWindowMs,
    expectedLast: true,
    manualIds: true,
    update: true,
    delete: true,
    trim: true,
    drop: true,
    timelines: true,
    checkpoints: true,
    signals: 'process',
    minTtlMs: 1,
    budgetMs: BUDGET_MS,
    wakeWithinMs: 5,
    durability: 'none',
    readOnly: false,
  };
}
