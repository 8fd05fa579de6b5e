import { abortable } from './abort.js';
import type { AdapterHead, Range, Slice, WriteOutcome } from './adapter.js';
import { checkUpdated } from './adapter-shape.js';
import type { Appender } from './append.js';
import { TimelineCheckpoint } from './checkpoint.js';
import { encodeMessage } from './codec.js';
import { checkCountRange, countRanges } from './count.js';
import { cursorPrefix, MAX_SEQ_ID } from './cursor.js';
import { checkOnUndecodable, type Decoder, decodeRow, decodeUpdated } from './decode.js';
import { TimelineHead } from './entry.js';
import { BatchIterator } from './iterate.js';
import { checkCount, checkRange, checkSeqId, MAX_PAGE, toPage } from './range.js';
import { type StandardSchemaV1, validate } from './schema.js';
import type { Session } from './session.js';
import { subscribe, truncatedError } from './subscribe.js';
import { checkArray, checkFunction, checkOptions } from './text.js';
import type { TimelineRef } from './timeline-id.js';
import type {
  Abortable,
  AppendManyOptions,
  AppendOptions,
  AppendResult,
  Checkpoint,
  Codec,
  CountOptions,
  Head,
  Page,
  ReadRange,
  ScanOptions,
  SubscribeOptions,
  Timeline,
  TimelineEntry,
  TimelineId,
} from './types.js';
import type { Decoding, OnUndecodable } from './undecodable.js';

const DEFAULT_SCAN_PAGE = 500;
/** Entries read at once to find the newest that decodes. */
const LATEST_PAGE = 100;

/** State shared by all handles of one store. */
export interface StoreParts<M> {
  readonly session: Session;
  readonly appender: Appender<M>;
  readonly codec: Codec<M>;
  readonly schema: StandardSchemaV1<unknown, M> | undefined;
  readonly onUndecodable: OnUndecodable<M>;
}

/** Returns the decoder of one operation: its `onUndecodable`, else the store's. */
export function decoderOf<M>({ codec, onUndecodable }: StoreParts<M>, options: Decoding<M>): Decoder<M> {
  return { codec, onUndecodable: checkOnUndecodable(options.onUndecodable) ?? onUndecodable };
}

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

  append(message: M, options: AppendOptions = {}): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      this.#parts.appender.one(this.#ref.encoded, message, checkOptions(options), (outcome) => {
        if (outcome.ok) resolve(this.#results(outcome)[0] as AppendResult);
        else reject(outcome.error);
      });
    });
  }

  appendMany(messages: readonly M[], options: AppendManyOptions = {}): Promise<AppendResult[]> {
    return new Promise((resolve, reject) => {
      checkArray(messages, 'messages');
      checkOptions(options);
      this.#session.checkOpen();
      if (messages.length === 0) return resolve([]);
      this.#parts.appender.many(this.#ref.encoded, messages, options, (outcome) => {
        if (outcome.ok) resolve(this.#results(outcome));
        else reject(outcome.error);
      });
    });
  }

  #results({ epoch, entries }: Extract<WriteOutcome, { ok: true }>): AppendResult[] {
    const prefix = cursorPrefix(this.#ref, epoch);
    return entries.map(({ seqId, duplicate }) => ({ seqId, cursor: prefix + seqId, duplicate }));
  }

  async read(options: ReadRange & Abortable & Decoding<M> = {}): Promise<Page<M>> {
    const checked = checkRange(this.#ref, checkOptions(options));
    const decoder = decoderOf(this.#parts, options);
    const slices = await this.#session.readRanges([checked.range], options.signal);
    return toPage(checked, slices[0] as Slice, decoder);
  }

  async count(options: CountOptions & Abortable = {}): Promise<number> {
    const checked = checkCountRange(this.#ref, checkOptions(options));
    const [count] = await countRanges(this.#session, [checked], options.signal);
    return count as number;
  }

  scan(options: ScanOptions & Decoding<M> = {}): AsyncIterableIterator<TimelineEntry<M>> {
    return BatchIterator.from(() => {
      const next = this.#pager(options);
      const fetch = async () => {
        const page = await next();
        if (page?.truncated) throw truncatedError(this.#ref, page.truncated.through);
        return page?.entries;
      };
      return new BatchIterator(fetch, { signal: options.signal });
    });
  }

  pages(options: ScanOptions & Decoding<M> = {}): AsyncIterableIterator<Page<M>> {
    return BatchIterator.from(() => {
      const next = this.#pager(options);
      const fetch = async () => {
        const page = await next();
        return page && [page];
      };
      return new BatchIterator(fetch, { signal: options.signal });
    });
  }

  /** Reads the next page of a range; `undefined` at its end or limit. */
  #pager(options: ScanOptions & Decoding<M>): () => Promise<Page<M> | undefined> {
    checkOptions(options);
    const pageSize = checkCount(options.pageSize ?? DEFAULT_SCAN_PAGE, 'pageSize', { most: MAX_PAGE });
    const { reverse, signal, onUndecodable } = options;
    checkOnUndecodable(onUndecodable);
    let { after, before } = options;
    let left = options.limit ?? Number.MAX_SAFE_INTEGER;
    checkRange(this.#ref, options);
    let done = false;
    return async () => {
      if (done) return undefined;
      const page = await this.read({ after, before, reverse, limit: Math.min(left, pageSize), signal, onUndecodable });
      left -= page.entries.length;
      done = page.upToDate || left <= 0;
      if (reverse) before = page.next;
      else after = page.next;
      return page;
    };
  }

  subscribe(options: SubscribeOptions & Decoding<M> = {}): AsyncIterableIterator<TimelineEntry<M>> {
    return BatchIterator.from(() => {
      checkRange(this.#ref, { after: checkOptions(options).after });
      checkFunction(options.onCaughtUp, 'onCaughtUp');
      checkFunction(options.onTruncated, 'onTruncated');
      if (options.pageSize !== undefined) checkCount(options.pageSize, 'pageSize', { most: MAX_PAGE });
      const { signal, onUndecodable } = options;
      checkOnUndecodable(onUndecodable);
      const read = (after: ReadRange['after'], limit: number) => this.read({ after, limit, signal, onUndecodable });
      return subscribe(this.#session, this.#ref, read, options);
    });
  }

  async get(seqId: bigint, options: Abortable & Decoding<M> = {}): Promise<TimelineEntry<M> | undefined> {
    checkSeqId(seqId, 'seqId', 1n);
    const before = seqId === MAX_SEQ_ID ? undefined : seqId + 1n;
    const range = { timeline: this.#ref.encoded, after: seqId - 1n, before, limit: 1, reverse: false };
    return (await this.#single(range, options))?.entry;
  }

  async latest(options: Abortable & Decoding<M> = {}): Promise<TimelineEntry<M> | undefined> {
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
    const decoder = decoderOf(this.#parts, checkOptions(options));
    const [slice] = await this.#session.readRanges([range], options.signal);
    const row = slice?.rows[0];
    return slice && row && { seqId: row.seqId, entry: decodeRow(this.#ref, slice.epoch, row, decoder) };
  }

  async head(options: Abortable = {}): Promise<Head> {
    const [head] = await this.#session.readHeads([this.#ref.encoded], checkOptions(options).signal);
    return new TimelineHead(this.#ref, head as AdapterHead);
  }

  async update(
    seqId: bigint,
    message: M,
    options: { readonly ifRevision?: number | undefined } & Abortable = {},
  ): Promise<TimelineEntry<M>> {
    checkSeqId(seqId, 'seqId', 1n);
    const { ifRevision, signal } = checkOptions(options);
    if (ifRevision !== undefined) checkCount(ifRevision, 'ifRevision', { least: 0 });
    this.#checkMayModify('update');
    const valid = await abortable(Promise.resolve(validate(this.#parts.schema, message)), signal);
    const maxBytes = this.#session.capabilities.maxBodyBytes;
    const payload = encodeMessage(this.#parts.codec, valid.value, { maxBytes, hashed: false, shared: false });
    const answer = await this.#session.write(
      (call) => this.#session.library.update!(this.#ref.encoded, seqId, payload, ifRevision, call),
      { idempotent: false },
      signal,
    );
    const { epoch, row } = checkUpdated(this.#session.capabilities.adapter, answer);
    return decodeUpdated(this.#ref, epoch, row, this.#parts.codec);
  }

  async delete(seqId: bigint, options: Abortable = {}): Promise<void> {
    checkSeqId(seqId, 'seqId', 1n);
    this.#checkMayModify('delete');
    await this.#session.write(
      (call) => this.#session.library.delete!(this.#ref.encoded, seqId, call),
      { idempotent: true },
      options.signal,
    );
  }

  async trim(options: ({ readonly through: bigint } | { readonly keepLast: number }) & Abortable): Promise<void> {
    checkOptions(options);
    const cut =
      'through' in options
        ? { through: checkSeqId(options.through, 'through', 0n) }
        : { keepLast: checkCount(options.keepLast, 'keepLast', { least: 0 }) };
    this.#checkMayModify('trim');
    // Repeating `through` is harmless; repeating `keepLast` may remove entries appended meanwhile.
    const idempotent = 'through' in cut;
    await this.#session.write(
      (call) => this.#session.library.trim!(this.#ref.encoded, cut, call),
      { idempotent },
      options.signal,
    );
  }

  #checkMayModify(feature: 'update' | 'delete' | 'trim'): void {
    this.#session.checkOpen();
    this.#session.checkSupported(feature);
    this.#session.checkWritable();
  }

  checkpoint(reader: string): Checkpoint {
    return new TimelineCheckpoint(this.#session, this.#ref, reader);
  }
}
