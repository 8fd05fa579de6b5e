import type { AdapterHead, Capabilities, Slice } from './adapter.js';
import type { AppendQueue } from './append-queue.js';
import { advanceCheckpoints, checkReader, readCheckpoints } from './checkpoint.js';
import { checkCountRange, countRanges } from './count.js';
import { type Keyed, Outcomes } from './drafts.js';
import { TimelineHead } from './entry.js';
import { invalidArgument, isTimelineError } from './errors.js';
import { BatchIterator } from './iterate.js';
import { checkCount, checkRange, toPage } from './range.js';
import type { Session } from './session.js';
import { Signals } from './signals.js';
import { checkArray, checkFunction, checkObject, checkOptions, checkText, describeValue } from './text.js';
import { decoderOf, type StoreParts, TimelineHandle } from './timeline.js';
import {
  decodeTimelineId,
  encodePrefix,
  encodeTimelineId,
  MAX_ID_BYTES,
  type TimelineRef,
  TimelineRefs,
} from './timeline-id.js';
import type {
  Abortable,
  BatchItem,
  BatchOutcome,
  CountOptions,
  Cursor,
  Head,
  Page,
  ReadRange,
  SignalListener,
  Timeline,
  TimelineId,
  TimelineStore,
} from './types.js';
import type { Decoding } from './undecodable.js';

/** Ids per call while listing Timelines. */
const LISTING_PAGE = 1000;

export class Store<M> implements TimelineStore<M> {
  readonly name: string;
  readonly #session: Session;
  readonly #parts: StoreParts<M>;
  readonly #queue: AppendQueue;
  readonly #refs: TimelineRefs;
  readonly #signals: Signals;
  #closed: Promise<void> | undefined;

  constructor(name: string, parts: StoreParts<M>, queue: AppendQueue) {
    this.name = name;
    this.#parts = parts;
    this.#session = parts.session;
    this.#queue = queue;
    this.#refs = new TimelineRefs(name);
    this.#signals = new Signals(parts.session);
  }

  get capabilities(): Capabilities {
    return this.#session.capabilities;
  }

  get ttlMs(): number | undefined {
    return this.#session.library.ttlMs;
  }

  timeline(id: TimelineId): Timeline<M> {
    return new TimelineHandle(this.#ref(id), this.#parts);
  }

  #ref(id: TimelineId, argument = 'timeline'): TimelineRef {
    return this.#refs.of(id, argument);
  }

  appendBatch(items: readonly BatchItem<M>[], options: Abortable = {}): Promise<BatchOutcome[]> {
    return this.#collect(items, 'items', options, ({ timeline, message, key }) => ({
      encoded: encodeTimelineId(timeline),
      keyed: this.#parts.appender.keyed(message, key, { shared: false }),
    }));
  }

  appendToMany(
    timelines: readonly TimelineId[],
    message: M,
    options: { readonly key?: string | undefined } & Abortable = {},
  ): Promise<BatchOutcome[]> {
    let keyed: Keyed<M> | undefined;
    return this.#collect(timelines, 'timelines', options, (id) => {
      keyed ??= this.#parts.appender.keyed(message, options.key, { shared: timelines.length > 1 });
      return { encoded: encodeTimelineId(id), keyed };
    });
  }

  /** Returns one outcome per item, in order; an invalid item fails alone. */
  #collect<Item>(
    items: readonly Item[],
    argument: string,
    options: Abortable,
    prepare: (item: Item) => { readonly encoded: string; readonly keyed: Keyed<M> },
  ): Promise<BatchOutcome[]> {
    return new Promise((resolve) => {
      checkArray(items, argument);
      checkOptions(options);
      this.#session.checkOpen();
      this.#session.checkWritable();
      const outcomes = new Outcomes(items.length, resolve);
      items.forEach((item, i) => {
        try {
          const { encoded, keyed } = prepare(item);
          this.#parts.appender.item(encoded, keyed, options.signal, outcomes, i);
        } catch (cause) {
          const error = isTimelineError(cause)
            ? cause
            : invalidArgument(`${argument}[${i}]`, `is ${describeValue(item)}`, { cause });
          outcomes.put(i, { ok: false, error });
        }
      });
    });
  }

  async readBatch(
    items: readonly ({ readonly timeline: TimelineId } & ReadRange)[],
    options: Abortable & Decoding<M> = {},
  ): Promise<Page<M>[]> {
    const decoder = decoderOf(this.#parts, checkOptions(options));
    const checked = checkArray(items, 'items').map((item, i) =>
      checkRange(this.#ref(checkObject(item, `items[${i}]`).timeline), item),
    );
    if (checked.length === 0) return [];
    const ranges = checked.map(({ range }) => range);
    const slices = await this.#session.readRanges(ranges, options.signal);
    return checked.map((range, i) => toPage(range, slices[i] as Slice, decoder, { perItem: true }));
  }

  async countBatch(
    items: readonly ({ readonly timeline: TimelineId } & CountOptions)[],
    options: Abortable = {},
  ): Promise<number[]> {
    const { signal } = checkOptions(options);
    const checked = checkArray(items, 'items').map((item, i) =>
      checkCountRange(this.#ref(checkObject(item, `items[${i}]`).timeline), item),
    );
    return countRanges(this.#session, checked, signal);
  }

  async heads(ids: readonly TimelineId[], options: Abortable = {}): Promise<Head[]> {
    checkOptions(options);
    const refs = checkArray(ids, 'ids').map((id) => this.#ref(id, 'ids'));
    if (refs.length === 0) return [];
    const encoded = refs.map((ref) => ref.encoded);
    const heads = await this.#session.readHeads(encoded, options.signal);
    return refs.map((ref, i) => new TimelineHead(ref, heads[i] as AdapterHead));
  }

  watch(ids: readonly TimelineId[], wake: () => void): () => void {
    checkFunction(wake, 'wake');
    this.#session.checkOpen();
    const { library } = this.#session;
    const refs = checkArray(ids, 'ids').map((id) => this.#ref(id, 'ids'));
    const off = refs.map((ref) => library.watch?.(ref.encoded, wake));
    return () => {
      for (const end of off.splice(0)) end?.();
    };
  }

  publish(topic: string, payload: string, options: Abortable = {}): Promise<void> {
    return this.#signals.publish(topic, payload, options);
  }

  listen(topics: readonly string[], listener: SignalListener): () => void {
    return this.#signals.listen(topics, listener);
  }

  timelines(
    options: {
      readonly prefix?: string | undefined;
      readonly after?: TimelineId | undefined;
      readonly limit?: number | undefined;
    } & Abortable = {},
  ): AsyncIterableIterator<TimelineId> {
    return BatchIterator.from(() => {
      checkOptions(options);
      this.#session.checkSupported('timelines');
      const prefix = options.prefix ? encodePrefix(checkText(options.prefix, 'prefix', MAX_ID_BYTES)) : '';
      let after = options.after === undefined ? undefined : encodeTimelineId(options.after, 'after');
      let left = checkCount(options.limit ?? Number.MAX_SAFE_INTEGER, 'limit');
      const fetch = async () => {
        const limit = Math.min(left, LISTING_PAGE);
        if (limit === 0) return undefined;
        const range = after === undefined ? { prefix, limit } : { prefix, after, limit };
        const ids = await this.#session.read((call) => this.#session.library.timelines!(range, call), options.signal);
        if (ids.length === 0) return undefined;
        after = ids.at(-1);
        left -= ids.length;
        return ids.map(decodeTimelineId);
      };
      return new BatchIterator(fetch, { signal: options.signal });
    });
  }

  async checkpoints(
    items: readonly { readonly timeline: TimelineId; readonly reader: string }[],
    options: Abortable = {},
  ): Promise<(Cursor | undefined)[]> {
    return readCheckpoints(this.#session, this.#named(items), checkOptions(options).signal);
  }

  async advanceCheckpoints(
    items: readonly { readonly timeline: TimelineId; readonly reader: string; readonly to: Cursor }[],
    options: Abortable = {},
  ): Promise<Cursor[]> {
    const named = this.#named(items);
    items.forEach(({ to }, i) => {
      if (typeof to !== 'string') throw invalidArgument(`items[${i}].to`, `must be a cursor, not ${describeValue(to)}`);
    });
    return advanceCheckpoints(this.#session, named, checkOptions(options).signal);
  }

  #named<Item extends { readonly timeline: TimelineId; readonly reader: string }>(
    items: readonly Item[],
  ): (Item & { ref: TimelineRef })[] {
    return checkArray(items, 'items').map((item, i) => {
      checkReader(checkObject(item, `items[${i}]`).reader, `items[${i}].reader`);
      return { ...item, ref: this.#ref(item.timeline) };
    });
  }

  flush(): Promise<void> {
    return this.#queue.flush();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#session.refuse();
    await this.#queue.close();
    await this.#session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
