import type { AdapterLibrary, AdapterWarning, Capabilities, TimelineAdapter } from '../src/adapter.js';
import { openTimelineStore } from '../src/index.js';
import { encodeTimelineId } from '../src/timeline-id.js';
import type { Timeline, TimelineId, TimelineStore, TimelineStoreOptions } from '../src/types.js';
import { until } from './assertions.js';
import { ChildStore } from './child-store.js';
import { decorateAdapter, type LibraryChanges } from './decorate.js';
import type { ConformanceOptions } from './options.js';

/** Default library of the tests. */
export const LIBRARY = 'conformance';

const COUNTED = [
  ...[
    'append',
    'read',
    'heads',
    'count',
    'update',
    'delete',
    'trim',
    'drop',
    'timelines',
    'watch',
    'publish',
    'listen',
  ],
] as readonly (keyof AdapterLibrary)[];

export type OpenOptions<M> = Partial<TimelineStoreOptions<M>>;

/** The new data, the clock and the stores of one test. */
export class Fixture {
  readonly options: ConformanceOptions;
  readonly adapter: TimelineAdapter;
  readonly warnings: AdapterWarning[] = [];
  /** Time of the stores' clock, in milliseconds since 1970; tests may set it. */
  time = 1_750_000_000_000;
  readonly #opened: { close(): Promise<void> }[] = [];
  #store: TimelineStore<string> | undefined;

  private constructor(options: ConformanceOptions, adapter: TimelineAdapter) {
    this.options = options;
    this.adapter = adapter;
  }

  static async create(options: ConformanceOptions): Promise<Fixture> {
    const fixture = new Fixture(options, await options.create());
    try {
      fixture.#store = await fixture.open();
    } catch (error) {
      await fixture.dispose();
      throw error;
    }
    return fixture;
  }

  /** The default store, of plain strings. */
  get store(): TimelineStore<string> {
    if (!this.#store) throw new Error('the fixture has no store');
    return this.#store;
  }

  get capabilities(): Capabilities {
    return this.store.capabilities;
  }

  timeline(id: TimelineId = 'timeline'): Timeline<string> {
    return this.store.timeline(id);
  }

  /** Opens another store on the data of this fixture, which closes it. */
  async open<M = string>(options: OpenOptions<M> = {}): Promise<TimelineStore<M>> {
    const store = await openTimelineStore<M>({
      adapter: this.adapter,
      name: LIBRARY,
      now: () => this.time,
      // Tests move their clock by days.
      clockToleranceMs: Number.POSITIVE_INFINITY,
      onWarning: (warning) => this.warnings.push(warning),
      ...options,
    });
    this.#opened.push(store);
    return store;
  }

  /** Opens a store whose adapter has the members that `change` returns replaced. */
  openDecorated<M = string>(
    change: Parameters<typeof decorateAdapter>[1],
    options: OpenOptions<M> = {},
  ): Promise<TimelineStore<M>> {
    return this.open<M>({ ...options, adapter: decorateAdapter(options.adapter ?? this.adapter, change) });
  }

  /** Opens a store that counts the calls of its adapter by method name. */
  async openCounted<M = string>(
    options: OpenOptions<M> = {},
  ): Promise<{ store: TimelineStore<M>; calls: Map<string, number> }> {
    const calls = new Map<string, number>();
    const count = (name: string) => calls.set(name, (calls.get(name) ?? 0) + 1);
    const store = await this.openDecorated<M>((library) => {
      const changes: Record<string, unknown> = {};
      for (const name of COUNTED) {
        const method = library[name] as ((...args: unknown[]) => unknown) | undefined;
        if (!method) continue;
        changes[name] = (...args: unknown[]) => {
          count(name);
          return method.apply(library, args);
        };
      }
      return changes as LibraryChanges;
    }, options);
    return { store, calls };
  }

  /** Opens a store on another adapter object with the same data; only in tests that need `reopen`. */
  async reopen<M = string>(options: OpenOptions<M> = {}): Promise<TimelineStore<M>> {
    const adapter = await this.options.reopen?.(this.adapter);
    if (!adapter) throw new Error('this test needs the option `reopen`');
    return this.open<M>({ ...options, adapter });
  }

  /** Like {@link reopen} if the option is given, else opens a second store on the same adapter. */
  reopenOrOpen<M = string>(options: OpenOptions<M> = {}): Promise<TimelineStore<M>> {
    return this.options.reopen ? this.reopen(options) : this.open(options);
  }

  /** Closes the default store and opens it on another adapter object with the same data. */
  async restart(): Promise<void> {
    await this.store.close();
    this.#store = await this.reopen();
  }

  /** Starts a child process with a store on the same data and the real clock; only in tests that need `fork`. */
  async fork(): Promise<ChildStore> {
    const child = this.options.fork?.(this.adapter);
    if (!child) throw new Error('this test needs the option `fork`');
    const store = new ChildStore(child);
    this.#opened.push(store);
    await store.open(LIBRARY);
    return store;
  }

  /** A TTL that the adapter supports. */
  get ttlMs(): number {
    return Math.max(this.capabilities.minTtlMs ?? 0, 60_000);
  }

  openExpiring(options: OpenOptions<string> = {}): Promise<TimelineStore<string>> {
    return this.open({ name: 'expiring', ttlMs: this.ttlMs, ...options });
  }

  /**
   * Resolves once at most `atMost` entries of a Timeline physically exist; only in tests that need `physicalEntries`.
   */
  async untilPhysically(atMost: number, library: string, id: TimelineId): Promise<void> {
    const { physicalEntries } = this.options;
    if (!physicalEntries) throw new Error('this test needs the option `physicalEntries`');
    const count = () => physicalEntries(this.adapter, library, encodeTimelineId(id));
    await until(`at most ${atMost} entries physically left`, async () => (await count()) <= atMost, 15_000);
  }

  async dispose(): Promise<void> {
    try {
      for (const opened of this.#opened.reverse()) await opened.close();
    } finally {
      await this.options.destroy?.(this.adapter);
    }
  }
}
