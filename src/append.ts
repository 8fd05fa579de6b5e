import type { WriteOutcome } from './adapter.js';
import type { AppendQueue } from './append-queue.js';
import { type EncodeOptions, exceedTogether } from './codec.js';
import { ItemDraft, Keyed, type Outcomes, Outgoing, type QueuedEntry, SingleDraft } from './drafts.js';
import { invalidArgument, TimelineError } from './errors.js';
import { checkSeqId } from './range.js';
import { type StandardSchemaV1, validate } from './schema.js';
import { type Session, unsupported } from './session.js';
import { checkText } from './text.js';
import type { AppendManyOptions, AppendOptions, Codec, SeqIdLike } from './types.js';

const MAX_KEY_BYTES = 1024;

/** Turns messages into queued writes: checks them at once, validates them, and encodes them when the queue has room. */
export class Appender<M> {
  readonly #session: Session;
  readonly #queue: AppendQueue;
  readonly #codec: Codec<M>;
  readonly #schema: StandardSchemaV1<unknown, M> | undefined;

  constructor(session: Session, queue: AppendQueue, codec: Codec<M>, schema: StandardSchemaV1<unknown, M> | undefined) {
    this.#session = session;
    this.#queue = queue;
    this.#codec = codec;
    this.#schema = schema;
  }

  one(timeline: string, message: M, options: AppendOptions, settle: (outcome: WriteOutcome) => void): void {
    const { signal } = options;
    const key = this.checkKey(options.key);
    const expectedLast = this.#checkWrite(options.expectedLast);
    const seqId = options.seqId === undefined ? undefined : this.#chosen(options.seqId);
    const outgoing = this.#prepare(message, this.#encoding(key !== undefined, false));
    const encode = () => [{ payload: outgoing.encode(), key, seqId }];
    this.#queue.submit(new SingleDraft(timeline, { expectedLast, signal, ready: outgoing.ready }, encode, settle));
  }

  many(
    timeline: string,
    messages: readonly M[],
    options: AppendManyOptions,
    settle: (outcome: WriteOutcome) => void,
  ): void {
    const { keys, signal } = options;
    const { atomicBatch, maxAtomicBytes } = this.#session.capabilities;
    const expectedLast = this.#checkWrite(options.expectedLast);
    this.#checkKeys(keys, messages.length);
    if (messages.length > atomicBatch) {
      const message = `${messages.length} messages are more than the ${atomicBatch} that this store appends as one`;
      throw new TimelineError('TIMELINE_TOO_LARGE', message, { argument: 'messages', limit: atomicBatch });
    }
    const encoding = this.#encoding(keys !== undefined, false);
    const outgoing = messages.map((message) => this.#prepare(message, encoding));
    const encode = (): QueuedEntry[] => {
      const payloads = outgoing.map((each) => each.encode());
      if (exceedTogether(payloads, maxAtomicBytes)) {
        const message = `the messages together exceed the ${maxAtomicBytes} bytes that this store appends at once`;
        throw new TimelineError('TIMELINE_TOO_LARGE', message, { argument: 'messages', limit: maxAtomicBytes });
      }
      return payloads.map((payload, i) => ({ payload, key: keys?.[i] }));
    };
    const waits = outgoing.flatMap(({ ready }) => ready ?? []);
    const ready = waits.length > 0 ? Promise.all(waits) : undefined;
    this.#queue.submit(new SingleDraft(timeline, { expectedLast, signal, ready }, encode, settle));
  }

  /** Submits one item of a batch and stores its outcome at the item's index. */
  item(timeline: string, message: Keyed<M>, signal: AbortSignal | undefined, outcomes: Outcomes, place: number): void {
    this.#queue.submit(new ItemDraft(timeline, message, signal, outcomes, place));
  }

  /** Prepares a message for one or many Timelines, with the same key. */
  keyed(message: M, key: string | undefined, options: { readonly shared: boolean }): Keyed<M> {
    return new Keyed(this.#prepare(message, this.#encoding(key !== undefined, options.shared)), this.checkKey(key));
  }

  #encoding(hashed: boolean, shared: boolean): EncodeOptions {
    return { hashed, shared, maxBytes: this.#session.capabilities.maxBodyBytes };
  }

  /** Starts the schema at once; encodes on demand. */
  #prepare(message: M, encoding: EncodeOptions): Outgoing<M> {
    return new Outgoing(this.#codec, validate(this.#schema, message), encoding);
  }

  checkKey(key: string | undefined, argument = 'key'): string | undefined {
    if (key === undefined) return undefined;
    if (this.#session.capabilities.keyWindowMs === 0) throw unsupported(this.#session.capabilities, 'keyWindowMs');
    return checkText(key, argument, MAX_KEY_BYTES);
  }

  #checkKeys(keys: readonly string[] | undefined, count: number): void {
    if (keys === undefined) return;
    if (!Array.isArray(keys) || keys.length !== count)
      throw invalidArgument('keys', `must hold one key per message: ${count}`);
    keys.forEach((key: unknown, i) => {
      if (key === undefined) throw invalidArgument(`keys[${i}]`, 'is missing');
      this.checkKey(key as string, `keys[${i}]`);
    });
  }

  #chosen(seqId: SeqIdLike): bigint {
    this.#session.checkSupported('manualIds');
    return checkSeqId(seqId, 'seqId', 1n);
  }

  #checkWrite(expectedLast: SeqIdLike | undefined): bigint | undefined {
    this.#session.checkOpen();
    this.#session.checkWritable();
    if (expectedLast === undefined) return undefined;
    this.#session.checkSupported('expectedLast');
    return checkSeqId(expectedLast, 'expectedLast', 0n);
  }
}
