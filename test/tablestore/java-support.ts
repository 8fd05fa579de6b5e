import { afterAll, beforeAll } from 'vitest';
import { type TableStoreAdapterOptions, tablestoreAdapter } from '../../adapters/tablestore/index.js';
import { startTablestoreEmulator, type TablestoreEmulator } from '../../emulator/index.js';
import { openTimelineStore } from '../../src/index.js';
import type { Timeline, TimelineStore, TimelineStoreOptions } from '../../src/types.js';
import { clientOf, createTable, type SdkClient } from '../emulator/sdk.js';
import { JavaTable } from './java-library.js';

export type KeyTypes = Readonly<Record<string, 'STRING' | 'INTEGER'>>;

interface JavaTableShape {
  readonly identifier?: KeyTypes;
  readonly manual?: boolean;
  readonly ttlSeconds?: number;
}

export type OpenOptions<M> = Partial<TimelineStoreOptions<M>> & { readonly adapterOptions?: TableStoreAdapterOptions };

/**
 * One service, with one clock, for the Java library and the adapter. It lives as long as the file or group of tests.
 */
export class SharedService {
  emulator!: TablestoreEmulator;
  client!: SdkClient;
  now = Date.now;
  readonly #opened: TimelineStore<never>[] = [];
  #tables = 0;
  #timelines = 0;

  constructor() {
    beforeAll(async () => {
      // Ids that a number cannot hold: the loss of a digit is noticed.
      const autoIncrement = { from: 2n ** 53n + 1n };
      this.emulator = await startTablestoreEmulator({ now: () => this.now(), autoIncrement, limits: { tables: 1000 } });
      this.client = clientOf(this.emulator);
    });
    afterAll(async () => {
      for (const store of this.#opened) await store.close();
      await this.emulator.close();
    });
  }

  newName(): string {
    return `chat${this.#tables++}`;
  }

  newTimeline(): string {
    return `t${this.#timelines++}`;
  }

  /** As `prepareTables` of the Java library: identifier and sequence, one version, and the service's defaults. */
  async javaTable(
    name: string,
    { identifier, manual = false, ttlSeconds = -1 }: JavaTableShape = {},
  ): Promise<JavaTable> {
    const key = { ...(identifier ?? { timeline_id: 'STRING' }), sequence_id: manual ? 'INTEGER' : 'AUTO' } as const;
    await createTable(this.client, name, { key, options: { timeToLive: ttlSeconds } });
    return new JavaTable(this.emulator, name);
  }

  /** Opens a table through the adapter. The emulator's entries are visible at once, so nothing has to settle. */
  async open<M>(name: string, { adapterOptions = {}, ...options }: OpenOptions<M> = {}): Promise<TimelineStore<M>> {
    const adapter = tablestoreAdapter(clientOf(this.emulator), { settleMs: 0, ...adapterOptions });
    const store = await openTimelineStore<M>({
      adapter,
      name,
      now: () => this.now(),
      clockToleranceMs: Number.POSITIVE_INFINITY,
      ...options,
    });
    this.#opened.push(store as TimelineStore<never>);
    return store;
  }
}

/** One Timeline, through Java and through the adapter. */
export interface SharedTimeline<M> {
  readonly java: JavaTable;
  /** The identifier in Java. */
  readonly key: { readonly timeline_id: string };
  readonly timeline: Timeline<M>;
}

/** A table that Java made. The adapter opens it with various options; each test takes its own Timeline. */
export class SharedTable {
  readonly service = new SharedService();
  readonly #stores = new Map<string, TimelineStore<unknown>>();
  readonly #name = this.service.newName();
  #java: JavaTable | undefined;

  async open<M>(options: OpenOptions<M>, label = JSON.stringify(options)): Promise<SharedTimeline<M>> {
    this.#java ??= await this.service.javaTable(this.#name);
    const store = this.#stores.get(label) ?? (await this.service.open(this.#name, options as OpenOptions<unknown>));
    this.#stores.set(label, store);
    const id = this.service.newTimeline();
    return { java: this.#java, key: { timeline_id: id }, timeline: store.timeline(id) as Timeline<M> };
  }
}
