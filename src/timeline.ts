import { abortable } from './abort.js';
import type { AdapterHead, Call, Range, Slice, WriteOutcome } from './adapter.js';
import { checkUpdated } from './adapter-shape.js';
import { TimelineCheckpoint } from './checkpoint.js';
import { encodeMessage } from './codec.js';
import { checkCountRange, countRanges } from './count.js';
import { cursorPrefix, MAX_SEQ_ID } from './cursor.js';
import { checkOnUndecodable, decodeRow, decodeUpdated } from './decode.js';
import { TimelineHead } from './entry.js';
import { INSPECT, inspected } from './inspect.js';
import { BatchIterator } from './iterate.js';
import { plain } from './json.js';
import { type Operation, rejection } from './operation.js';
import { ABORTABLE, checkFields, checkOptions } from './options.js';
import { checkCount, checkCut, checkRange, checkSeqId, MAX_PAGE, toPage } from './range.js';
import { Appended } from './results.js';
import { validate } from './schema.js';
import type { Session } from './session.js';
import { decoderOf, type StoreParts } from './store-parts.js';
import { Subscription, truncatedError } from './subscribe.js';
import { checkArray, checkFunction } from './text.js';
import type { TimelineRef } from './timeline-id.js';
import {
  APPEND,
  APPEND_MANY,
  COUNT,
  READ,
  READ_ONE,
  SCAN,
  SUBSCRIBE,
  TRIM,
  type TrimOptions,
  UPDATE,
  type UpdateOptions,
} from './timeline-options.js';
import type {
  Abortable,
  AppendManyOptions,
  AppendOptions,
  AppendResult,
  Checkpoint,
  CountOptions,
  Head,
  Page,
  ReadRange,
  ScanOptions,
  SeqIdLike,
  SubscribeOptions,
  Timeline,
  TimelineEntry,
  TimelineId,
} from './types.js';
import type { Decoding } from './undecodable.js';

const DEFAULT_SCAN_PAGE = 500;
/** Entries read at once to find the newest that decodes. */
const LATEST_PAGE = 100;

export class TimelineHandle<M> implements Timeline<M> {
  readonly #ref: TimelineRef;
  readonly #parts: StoreParts<M>;

  constructor(ref: TimelineRef, parts: StoreParts<M>) {
    this.#ref = ref;
    this.#parts = parts;
  }

  get id(): TimelineId {
    return this.#ref.id;
  }

  get #session(): Session {
    return this.#parts.session;
  }

  append(message: M, options?: AppendOptions): Promise<AppendResult> {
    return new Promise((resolve) => {
      this.#parts.appender.one(this.#ref.encoded, message, checkOptions(options, APPEND), (outcome) => {
        if (outcome.ok) resolve(this.#results(outcome)[0] as AppendResult);
        else resolve(rejection(this.#operation('append to'), outcome.error));
      });
    });
  }

  appendMany(messages: readonly M[], options?: AppendManyOptions): Promise<AppendResult[]> {
    return new Promise((resolve) => {
      checkArray(messages, 'messages');
      const checked = checkOptions(options, APPEND_MANY);
      this.#session.checkOpen();
      if (messages.length === 0) return resolve([]);
      this.#parts.appender.many(this.#ref.encoded, messages, checked, (outcome) => {
        if (outcome.ok) resolve(this.#results(outcome));
        else resolve(rejection(this.#operation('append to'), outcome.error));
      });
    });
  }

  #results({ epoch, entries }: Extract<WriteOutcome, { ok: true }>): AppendResult[] {
    const prefix = cursorPrefix(this.#ref, epoch);
    return entries.map(({ seqId, duplicate }) => new Appended(seqId, prefix + seqId, duplicate));
  }

  #operation(name: string): Operation {
    return { name, timeline: this.#ref.encoded };
  }

  async read(given?: ReadRange & Abortable & Decoding<M>): Promise<Page<M>> {
    return this.#read(checkOptions(given, READ));
  }

  async #read(options: ReadRange & Abortable & Decoding<M>): Promise<Page<M>> {
    const checked = checkRange(this.#ref, options);
    const decoder = decoderOf(this.#parts, options);
    const slices = await this.#session.readRanges([checked.range], options.signal, this.#operation('read of'));
    return toPage(checked, slices[0] as Slice, decoder);
  }

  async count(options?: CountOptions & Abortable): Promise<number> {
    const checked = checkOptions(options, COUNT);
    const range = checkCountRange(this.#ref, checked);
    const [count] = await countRanges(this.#session, [range], this.#operation('count of'), checked.signal);
    return count as number;
  }

  scan(given?: ScanOptions & Decoding<M>): AsyncIterableIterator<TimelineEntry<M>> {
    return this.#iterate(given, ({ entries, truncated }) => {
      if (truncated) throw truncatedError(this.#ref, truncated.through);
      return entries;
    });
  }

  pages(given?: ScanOptions & Decoding<M>): AsyncIterableIterator<Page<M>> {
    return this.#iterate(given, (page) => [page]);
  }

  #iterate<Item>(
    given: (ScanOptions & Decoding<M>) | undefined,
    itemsOf: (page: Page<M>) => readonly Item[],
  ): AsyncIterableIterator<Item> {
    return BatchIterator.from(() => {
      const options = checkOptions(given, SCAN);
      const next = this.#pager(options);
      const fetch = async () => {
        const page = await next();
        return page && itemsOf(page);
      };
      return new BatchIterator(fetch, { signal: options.signal });
    });
  }

  /** Reads the next page of a range; `undefined` at its end or limit. */
  #pager(options: ScanOptions & Decoding<M>): () => Promise<Page<M> | undefined> {
    const pageSize = checkCount(options.pageSize ?? DEFAULT_SCAN_PAGE, 'pageSize', { most: MAX_PAGE });
    const { reverse, signal, onUndecodable } = options;
    checkOnUndecodable(onUndecodable);
    let { after, before } = options;
    let left = options.limit ?? Number.MAX_SAFE_INTEGER;
    checkRange(this.#ref, options);
    let done = false;
    return async () => {
      if (done) return undefined;
      const page = await this.#read({ after, before, reverse, limit: Math.min(left, pageSize), signal, onUndecodable });
      left -= page.entries.length;
      done = page.upToDate || left <= 0;
      if (reverse) before = page.next;
      else after = page.next;
      return page;
    };
  }

  subscribe(given?: SubscribeOptions & Decoding<M>): AsyncIterableIterator<TimelineEntry<M>> {
    return BatchIterator.from(() => {
      const options = checkOptions(given, SUBSCRIBE);
      checkRange(this.#ref, { after: options.after });
      checkFunction(options.onCaughtUp, 'onCaughtUp');
      checkFunction(options.onTruncated, 'onTruncated');
      if (options.pageSize !== undefined) checkCount(options.pageSize, 'pageSize', { most: MAX_PAGE });
      const { signal, onUndecodable } = options;
      const decoder = decoderOf(this.#parts, options);
      const read = (after: ReadRange['after'], limit: number) => this.#read({ after, limit, signal, onUndecodable });
      const { session, tails } = this.#parts;
      return new Subscription({ session, tails, ref: this.#ref, decoder, read }, options);
    });
  }

  async get(given: SeqIdLike, options?: Abortable & Decoding<M>): Promise<TimelineEntry<M> | undefined> {
    const seqId = checkSeqId(given, 'seqId', 1n);
    const before = seqId === MAX_SEQ_ID ? undefined : seqId + 1n;
    const range = { timeline: this.#ref.encoded, after: seqId - 1n, before, limit: 1, reverse: false };
    return (await this.#single(range, checkOptions(options, READ_ONE)))?.entry;
  }

  async latest(given?: Abortable & Decoding<M>): Promise<TimelineEntry<M> | undefined> {
    const options = checkOptions(given, READ_ONE);
    const newest = await this.#single({ timeline: this.#ref.encoded, limit: 1, reverse: true }, options);
    if (!newest || newest.entry) return newest?.entry;
    const { signal, onUndecodable } = options;
    const back = this.scan({ reverse: true, before: newest.seqId, pageSize: LATEST_PAGE, signal, onUndecodable });
    const { value } = await back.next();
    await back.return?.();
    return value;
  }

  /** `entry` is absent if it is skipped. */
  async #single(
    range: Range,
    options: Abortable & Decoding<M>,
  ): Promise<{ readonly seqId: bigint; readonly entry: TimelineEntry<M> | undefined } | undefined> {
    const decoder = decoderOf(this.#parts, options);
    const ranges = [{ ...range, rowsOnly: true }];
    const [slice] = await this.#session.readRanges(ranges, options.signal, this.#operation('read of'));
    const row = slice?.rows[0];
    return slice && row && { seqId: row.seqId, entry: decodeRow(this.#ref, slice.epoch, row, decoder) };
  }

  async head(options?: Abortable): Promise<Head> {
    const { signal } = checkOptions(options, ABORTABLE);
    const [head] = await this.#session.readHeads([this.#ref.encoded], signal, this.#operation('head of'));
    return new TimelineHead(this.#ref, head as AdapterHead);
  }

  async update(given: SeqIdLike, message: M, options?: UpdateOptions): Promise<TimelineEntry<M>> {
    const seqId = checkSeqId(given, 'seqId', 1n);
    const { ifRevision, signal } = checkOptions(options, UPDATE);
    if (ifRevision !== undefined) checkCount(ifRevision, 'ifRevision', { least: 0 });
    this.#checkMayModify('update');
    const valid = await abortable(Promise.resolve(validate(this.#parts.schema, message)), signal);
    const maxBytes = this.#session.capabilities.maxBodyBytes;
    const payload = encodeMessage(this.#parts.codec, valid.value, { maxBytes, hashed: false, shared: false });
    const update = (call: Call) => this.#session.library.update!(this.#ref.encoded, seqId, payload, ifRevision, call);
    const answer = await this.#modify('update of', update, { idempotent: false, seqId, signal });
    const { epoch, row } = checkUpdated(this.#session.capabilities.adapter, answer);
    return decodeUpdated(this.#ref, epoch, row, this.#parts.codec);
  }

  async delete(given: SeqIdLike, options?: Abortable): Promise<void> {
    const seqId = checkSeqId(given, 'seqId', 1n);
    const { signal } = checkOptions(options, ABORTABLE);
    this.#checkMayModify('delete');
    const remove = (call: Call) => this.#session.library.delete!(this.#ref.encoded, seqId, call);
    await this.#modify('delete in', remove, { idempotent: true, seqId, signal });
  }

  async trim(options: ({ readonly through: SeqIdLike } | { readonly keepLast: number }) & Abortable): Promise<void> {
    const { signal, ...rest } = checkFields<TrimOptions>(options, TRIM);
    const cut = checkCut(rest);
    this.#checkMayModify('trim');
    // Repeating `through` is harmless; repeating `keepLast` may remove entries appended meanwhile.
    const idempotent = 'through' in cut;
    const trim = (call: Call) => this.#session.library.trim!(this.#ref.encoded, cut, call);
    await this.#modify('trim of', trim, { idempotent, signal });
  }

  async drop(options?: Abortable): Promise<void> {
    const { signal } = checkOptions(options, ABORTABLE);
    this.#checkMayModify('drop');
    const drop = (call: Call) => this.#session.library.drop!(this.#ref.encoded, call);
    try {
      await this.#modify('drop of', drop, { idempotent: true, signal });
    } finally {
      this.#parts.tails.lookAt(this.#ref.encoded);
    }
  }

  /** Subscriptions of this store get nothing from memory that a finished change has made old. */
  async #modify<T>(
    name: string,
    run: (call: Call) => Promise<T>,
    options: { readonly idempotent: boolean; readonly seqId?: bigint; readonly signal: AbortSignal | undefined },
  ): Promise<T> {
    const { idempotent, seqId, signal } = options;
    try {
      return await this.#session.write(run, { idempotent, operation: this.#operation(name) }, signal);
    } finally {
      this.#parts.tails.forget(this.#ref.encoded, seqId);
    }
  }

  #checkMayModify(feature: 'update' | 'delete' | 'trim' | 'drop'): void {
    this.#session.checkOpen();
    this.#session.checkSupported(feature);
    this.#session.checkWritable();
  }

  checkpoint(reader: string): Checkpoint {
    return new TimelineCheckpoint(this.#session, this.#ref, reader);
  }

  toJSON(): unknown {
    return plain({ id: this.id });
  }

  [INSPECT](): object {
    return inspected('Timeline', { id: this.id });
  }
}
