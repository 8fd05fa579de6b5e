import type { AdapterHead, Capabilities, Slice } from './adapter.js';
import type { AppendQueue } from './append-queue.js';
import { advanceCheckpoints, checkReader, readCheckpoints } from './checkpoint.js';
import { checkCountRange, countRanges } from './count.js';
import { type Keyed, Outcomes } from './drafts.js';
import { TimelineHead } from './entry.js';
import { invalidArgument, isTimelineError } from './errors.js';
import { INSPECT, inspected } from './inspect.js';
import { BatchIterator } from './iterate.js';
import { outcomesForCaller } from './operation.js';
import { ABORTABLE, checkItem, checkOptions, type OptionNames } from './options.js';
import { checkCount, checkRange, toPage } from './range.js';
import type { Session } from './session.js';
import { Signals } from './signals.js';
import { decoderOf, type StoreParts } from './store-parts.js';
import { checkArray, checkFunction, checkText, describeValue } from './text.js';
import { TimelineHandle } from './timeline.js';
import {
  decodeTimelineId,
  encodePrefix,
  encodeTimelineId,
  MAX_ID_BYTES,
  type TimelineRef,
  TimelineRefs,
} from './timeline-id.js';
import { COUNT_RANGE, RANGE } from './timeline-options.js';
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

type RangeItem = { readonly timeline: TimelineId } & ReadRange;
type CountItem = { readonly timeline: TimelineId } & CountOptions;
type CheckpointItem = { readonly timeline: TimelineId; readonly reader: string };
type AdvanceItem = CheckpointItem & { readonly to: Cursor };
type ListingOptions = NonNullable<Parameters<TimelineStore<unknown>['timelines']>[0]>;

const KEYED: OptionNames<{ readonly key?: string } & Abortable> = { key: true, signal: true };
const READ_BATCH: OptionNames<Abortable & Decoding<unknown>> = { signal: true, onUndecodable: true };
const BATCH_ITEM: OptionNames<BatchItem<unknown>> = { timeline: true, message: true, key: true };
const RANGE_ITEM: OptionNames<RangeItem> = { timeline: true, ...RANGE };
const COUNT_ITEM: OptionNames<CountItem> = { timeline: true, ...COUNT_RANGE };
const CHECKPOINT_ITEM: OptionNames<CheckpointItem> = { timeline: true, reader: true };
const ADVANCE_ITEM: OptionNames<AdvanceItem> = { ...CHECKPOINT_ITEM, to: true };
const LISTING: OptionNames<ListingOptions> = { prefix: true, after: true, limit: true, signal: true };

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

  appendBatch(items: readonly BatchItem<M>[], options?: Abortable): Promise<BatchOutcome[]> {
    return this.#collect(
      items,
      'items',
      () => checkOptions(options, ABORTABLE),
      (item, i) => {
        const { timeline, key } = checkItem(item, BATCH_ITEM, 'items', i);
        return {
          encoded: encodeTimelineId(timeline),
          keyed: this.#parts.appender.keyed(item.message, key, { shared: false }),
        };
      },
    );
  }

  appendToMany(
    timelines: readonly TimelineId[],
    message: M,
    options?: { readonly key?: string | undefined } & Abortable,
  ): Promise<BatchOutcome[]> {
    let keyed: Keyed<M> | undefined;
    return this.#collect(
      timelines,
      'timelines',
      () => checkOptions(options, KEYED),
      (id, _, { key }) => {
        keyed ??= this.#parts.appender.keyed(message, key, { shared: timelines.length > 1 });
        return { encoded: encodeTimelineId(id), keyed };
      },
    );
  }

  /** Returns one outcome per item, in order; an invalid item fails alone. */
  #collect<Item, Options extends Abortable>(
    items: readonly Item[],
    argument: string,
    check: () => Options,
    prepare: (item: Item, i: number, options: Options) => { readonly encoded: string; readonly keyed: Keyed<M> },
  ): Promise<BatchOutcome[]> {
    const pending = new Promise<BatchOutcome[]>((resolve) => {
      checkArray(items, argument);
      const options = check();
      this.#session.checkOpen();
      this.#session.checkWritable();
      const outcomes = new Outcomes(items.length, resolve);
      items.forEach((item, i) => {
        try {
          const { encoded, keyed } = prepare(item, i, options);
          this.#parts.appender.item(encoded, keyed, options.signal, outcomes, i);
        } catch (cause) {
          const error = isTimelineError(cause)
            ? cause
            : invalidArgument(`${argument}[${i}]`, `is ${describeValue(item)}`, { cause });
          outcomes.put(i, { ok: false, error });
        }
      });
    });
    return outcomesForCaller(pending);
  }

  async readBatch(items: readonly RangeItem[], given?: Abortable & Decoding<M>): Promise<Page<M>[]> {
    const options = checkOptions(given, READ_BATCH);
    const decoder = decoderOf(this.#parts, options);
    const checked = checkArray(items, 'items').map((item, i) => {
      const range = checkItem(item, RANGE_ITEM, 'items', i);
      return checkRange(this.#ref(range.timeline), range);
    });
    this.#session.checkOpen();
    if (checked.length === 0) return [];
    const ranges = checked.map(({ range }) => range);
    const slices = await this.#session.readRanges(ranges, options.signal, { name: 'readBatch' });
    return checked.map((range, i) => toPage(range, slices[i] as Slice, decoder, { perItem: true }));
  }

  async countBatch(items: readonly CountItem[], options?: Abortable): Promise<number[]> {
    const { signal } = checkOptions(options, ABORTABLE);
    const checked = checkArray(items, 'items').map((item, i) => {
      const range = checkItem(item, COUNT_ITEM, 'items', i);
      return checkCountRange(this.#ref(range.timeline), range);
    });
    this.#session.checkOpen();
    return countRanges(this.#session, checked, { name: 'countBatch' }, signal);
  }

  async heads(ids: readonly TimelineId[], options?: Abortable): Promise<Head[]> {
    const { signal } = checkOptions(options, ABORTABLE);
    this.#session.checkOpen();
    const refs = checkArray(ids, 'ids').map((id) => this.#ref(id, 'ids'));
    if (refs.length === 0) return [];
    const encoded = refs.map((ref) => ref.encoded);
    const heads = await this.#session.readHeads(encoded, signal, { name: 'heads' });
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

  publish(topic: string, payload: string, options?: Abortable): Promise<void> {
    return this.#signals.publish(topic, payload, options);
  }

  listen(topics: readonly string[], listener: SignalListener): () => void {
    return this.#signals.listen(topics, listener);
  }

  timelines(given?: ListingOptions): AsyncIterableIterator<TimelineId> {
    return BatchIterator.from(() => {
      const options = checkOptions(given, LISTING);
      this.#session.checkSupported('timelines');
      const prefix = options.prefix ? encodePrefix(checkText(options.prefix, 'prefix', MAX_ID_BYTES)) : '';
      let after = options.after === undefined ? undefined : encodeTimelineId(options.after, 'after');
      let left = checkCount(options.limit ?? Number.MAX_SAFE_INTEGER, 'limit');
      const fetch = async () => {
        const limit = Math.min(left, LISTING_PAGE);
        if (limit === 0) return undefined;
        const range = after === undefined ? { prefix, limit } : { prefix, after, limit };
        const ids = await this.#session.read((call) => this.#session.library.timelines!(range, call), options.signal, {
          name: 'timelines',
        });
        if (ids.length === 0) return undefined;
        after = ids.at(-1);
        left -= ids.length;
        return ids.map(decodeTimelineId);
      };
      return new BatchIterator(fetch, { signal: options.signal });
    });
  }

  async checkpoints(items: readonly CheckpointItem[], options?: Abortable): Promise<(Cursor | undefined)[]> {
    const { signal } = checkOptions(options, ABORTABLE);
    return readCheckpoints(this.#session, this.#named(items, CHECKPOINT_ITEM), signal);
  }

  async advanceCheckpoints(items: readonly AdvanceItem[], options?: Abortable): Promise<Cursor[]> {
    const { signal } = checkOptions(options, ABORTABLE);
    const named = this.#named(items, ADVANCE_ITEM);
    items.forEach(({ to }, i) => {
      if (typeof to !== 'string') throw invalidArgument(`items[${i}].to`, `must be a cursor, not ${describeValue(to)}`);
    });
    return advanceCheckpoints(this.#session, named, signal);
  }

  #named<Item extends CheckpointItem>(
    items: readonly Item[],
    names: OptionNames<Item>,
  ): (Item & { ref: TimelineRef })[] {
    return checkArray(items, 'items').map((item, i) => {
      checkReader(checkItem(item, names, 'items', i).reader, `items[${i}].reader`);
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

  [INSPECT](): object {
    return inspected('TimelineStore', { name: this.name, adapter: this.capabilities.adapter });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
