import type { Write, WriteEntry, WriteOutcome } from './adapter.js';
import { type EncodeOptions, encodeMessage, type SizedPayload } from './codec.js';
import { errorOf } from './operation.js';
import { BatchAppended } from './results.js';
import type { Valid } from './schema.js';
import type { BatchOutcome, Codec } from './types.js';

export interface QueuedEntry extends WriteEntry {
  readonly payload: SizedPayload;
}

export interface DraftOptions {
  readonly expectedLast?: bigint | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Resolves when the message may be encoded; absent if it may be at once. */
  readonly ready?: Promise<unknown> | undefined;
}

/** One pending write: validated by its creator, encoded when there is room, resolved or rejected exactly once. */
export abstract class Draft implements Write {
  readonly timeline: string;
  readonly expectedLast: bigint | undefined;
  readonly signal: AbortSignal | undefined;
  readonly ready: Promise<unknown> | undefined;
  entries: readonly QueuedEntry[] = [];
  /** State in the queue: number, weight and progress. */
  number = 0;
  weight = 0;
  sent = false;
  settled = false;
  forget: (() => void) | undefined;

  constructor(timeline: string, { expectedLast, signal, ready }: DraftOptions) {
    this.timeline = timeline;
    this.expectedLast = expectedLast;
    this.signal = signal;
    this.ready = ready;
  }

  /** Throws a `TimelineError` for a message that cannot be stored. */
  abstract encode(): readonly QueuedEntry[];
  abstract settle(outcome: WriteOutcome): void;
}

/** A pending message, encoded once for all its writes. */
export class Outgoing<M> {
  /** Resolves when the schema has answered; absent if `encode` may be called at once. */
  readonly ready: Promise<void> | undefined;
  readonly #codec: Codec<M>;
  readonly #options: EncodeOptions;
  #valid: Valid<M> | undefined;
  #refusal: unknown;
  #payload: SizedPayload | undefined;

  constructor(codec: Codec<M>, validated: Valid<M> | Promise<Valid<M>>, options: EncodeOptions) {
    this.#codec = codec;
    this.#options = options;
    if (validated instanceof Promise) this.ready = this.#await(validated);
    else this.#valid = validated;
  }

  async #await(validated: Promise<Valid<M>>): Promise<void> {
    try {
      this.#valid = await validated;
    } catch (error) {
      this.#refusal = error;
    }
  }

  encode(): SizedPayload {
    if (!this.#valid) throw this.#refusal;
    this.#payload ??= encodeMessage(this.#codec, this.#valid.value, this.#options);
    return this.#payload;
  }
}

/** A message with its key: one list of entries for all its Timelines. */
export class Keyed<M> {
  readonly ready: Promise<void> | undefined;
  readonly #outgoing: Outgoing<M>;
  readonly #key: string | undefined;
  #entries: readonly QueuedEntry[] | undefined;

  constructor(outgoing: Outgoing<M>, key: string | undefined) {
    this.ready = outgoing.ready;
    this.#outgoing = outgoing;
    this.#key = key;
  }

  encode(): readonly QueuedEntry[] {
    this.#entries ??= [{ payload: this.#outgoing.encode(), key: this.#key }];
    return this.#entries;
  }
}

/** Collects the outcomes of a batch; resolves once it has all. */
export class Outcomes {
  readonly #list: BatchOutcome[];
  readonly #resolve: (outcomes: BatchOutcome[]) => void;
  #left: number;

  constructor(count: number, resolve: (outcomes: BatchOutcome[]) => void) {
    this.#list = new Array(count);
    this.#resolve = resolve;
    this.#left = count;
    if (count === 0) resolve(this.#list);
  }

  put(place: number, outcome: BatchOutcome): void {
    this.#list[place] = outcome;
    if (--this.#left === 0) this.#resolve(this.#list);
  }
}

/** A single write. */
export class SingleDraft extends Draft {
  readonly encode: () => readonly QueuedEntry[];
  readonly settle: (outcome: WriteOutcome) => void;

  constructor(
    timeline: string,
    options: DraftOptions,
    encode: () => readonly QueuedEntry[],
    settle: (outcome: WriteOutcome) => void,
  ) {
    super(timeline, options);
    this.encode = encode;
    this.settle = settle;
  }
}

/** One item of a batch. */
export class ItemDraft extends Draft {
  readonly #message: Keyed<unknown>;
  readonly #outcomes: Outcomes;
  readonly #place: number;

  constructor(
    timeline: string,
    message: Keyed<unknown>,
    signal: AbortSignal | undefined,
    outcomes: Outcomes,
    place: number,
  ) {
    super(timeline, { signal, ready: message.ready });
    this.#message = message;
    this.#outcomes = outcomes;
    this.#place = place;
  }

  encode(): readonly QueuedEntry[] {
    return this.#message.encode();
  }

  #failed(outcome: WriteOutcome): BatchOutcome {
    const { error } = outcome as Extract<WriteOutcome, { ok: false }>;
    return { ok: false, error: errorOf({ name: 'append to', timeline: this.timeline }, error) };
  }

  settle(outcome: WriteOutcome): void {
    const [appended] = outcome.ok ? outcome.entries : [];
    const { seqId, duplicate } = appended ?? {};
    this.#outcomes.put(
      this.#place,
      seqId === undefined ? this.#failed(outcome) : new BatchAppended(seqId, duplicate === true),
    );
  }
}
