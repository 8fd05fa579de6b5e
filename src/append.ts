import type { WriteOutcome } from './adapter.js';
import type { AppendQueue, QueuedEntry } from './append-queue.js';
import { encodeMessage, type SizedPayload } from './codec.js';
import { invalidArgument, TimelineError } from './errors.js';
import { checkSeqId } from './range.js';
import { type StandardSchemaV1, validate } from './schema.js';
import { type Session, unsupported } from './session.js';
import { checkText } from './text.js';
import type { AppendManyOptions, AppendOptions, BatchOutcome, Codec } from './types.js';

const MAX_KEY_BYTES = 1024;

/** From messages to queued writes: checked at once, validated by the schema, encoded when the queue has room. */
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

  checkKey(key: string | undefined, argument = 'key'): string | undefined {
    if (key === undefined) return undefined;
    if (this.#session.capabilities.keyWindowMs === 0) throw unsupported(this.#session.capabilities, 'keyWindowMs');
    return checkText(key, argument, MAX_KEY_BYTES);
  }

  #checkExpectedLast(expectedLast: bigint | undefined): void {
    if (expectedLast === undefined) return;
    this.#session.checkSupported('expectedLast');
    checkSeqId(expectedLast, 'expectedLast', 0n);
  }

  one(timeline: string, message: M, options: AppendOptions, settle: (outcome: WriteOutcome) => void): void {
    const { seqId, expectedLast, signal } = options;
    const key = this.checkKey(options.key);
    this.#session.checkWritable();
    this.#checkExpectedLast(expectedLast);
    if (seqId !== undefined) {
      this.#session.checkSupported('manualIds');
      checkSeqId(seqId, 'seqId', 1n);
    }
    const payload = this.prepare(message, { hashed: key !== undefined, shared: false });
    const encode = () => [{ payload: payload.encode(), key, seqId }];
    this.#queue.submit({ timeline, expectedLast, signal, ready: payload.ready, encode, settle });
  }

  many(timeline: string, messages: readonly M[], options: AppendManyOptions, settle: (outcome: WriteOutcome) => void): void {
    const { keys, expectedLast, signal } = options;
    const { atomicBatch, maxAtomicBytes } = this.#session.capabilities;
    if (keys !== undefined && (!Array.isArray(keys) || keys.length !== messages.length)) {
      throw invalidArgument('keys', `must hold one key per message: ${messages.length}`);
    }
    this.#session.checkWritable();
    this.#checkExpectedLast(expectedLast);
    if (messages.length > atomicBatch) {
      const message = `${messages.length} messages are more than the ${atomicBatch} that this store appends as one`;
      throw new TimelineError('TIMELINE_TOO_LARGE', message, { argument: 'messages', limit: atomicBatch });
    }
    keys?.forEach((key: unknown, i) => {
      if (key === undefined) throw invalidArgument(`keys[${i}]`, 'is missing');
      this.checkKey(key as string, `keys[${i}]`);
    });
    const payloads = messages.map((message) => this.prepare(message, { hashed: keys !== undefined, shared: false }));
    const waits = payloads.flatMap(({ ready }) => ready ?? []);
    const encode = (): QueuedEntry[] => {
      let bytes = 0;
      const entries = payloads.map((payload, i) => ({ payload: payload.encode(), key: keys?.[i] }));
      for (const { payload } of entries) bytes += payload.bytes;
      if (bytes > maxAtomicBytes) {
        const message = `the messages have ${bytes} bytes together; this store appends ${maxAtomicBytes} as one`;
        throw new TimelineError('TIMELINE_TOO_LARGE', message, { argument: 'messages', limit: maxAtomicBytes });
      }
      return entries;
    };
    const ready = waits.length > 0 ? Promise.allSettled(waits) : undefined;
    this.#queue.submit({ timeline, expectedLast, signal, ready, encode, settle });
  }

  /** One item of a batch: what is wrong with it is its own outcome. */
  item(
    timeline: string,
    payload: Prepared,
    key: string | undefined,
    signal: AbortSignal | undefined,
    settle: (outcome: BatchOutcome) => void,
  ): void {
    this.#queue.submit({
      timeline,
      signal,
      ready: payload.ready,
      encode: () => [{ payload: payload.encode(), key }],
      settle: (outcome) =>
        settle(outcome.ok ? { ok: true, ...(outcome.entries[0] as { seqId: bigint; duplicate: boolean }) } : outcome),
    });
  }

  /** Starts the schema at once and encodes at most once, when first asked to. */
  prepare(message: M, options: { readonly hashed: boolean; readonly shared: boolean }): Prepared {
    const maxBytes = this.#session.capabilities.maxBodyBytes;
    const encodeValid = (valid: M) => encodeMessage(this.#codec, valid, { ...options, maxBytes });
    const validated = validate(this.#schema, message);
    if (!(this.#schema && validated instanceof Promise)) return once(() => encodeValid(validated as M));
    let encode = (): SizedPayload => {
      throw new TimelineError('TIMELINE_INVALID_ARGUMENT', 'the schema has not answered', { argument: 'message' });
    };
    const ready = validated.then(
      (valid) => {
        encode = () => encodeValid(valid);
      },
      (error: unknown) => {
        encode = () => {
          throw error;
        };
      },
    );
    return { ...once(() => encode()), ready };
  }
}

export interface Prepared {
  readonly ready?: Promise<unknown>;
  encode(): SizedPayload;
}

function once(encode: () => SizedPayload): Prepared {
  let payload: SizedPayload | undefined;
  return {
    encode: () => {
      payload ??= encode();
      return payload;
    },
  };
}
