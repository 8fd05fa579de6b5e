import { type Cursor, isTimelineError } from '../../src/index.js';
import { pause } from '../../src/toolkit/index.js';
import { type ModeChange, ModeSelector } from '../modes/mode-selector.js';
import type { Context } from '../shared/context.js';
import type { Mode, Sent, Stored } from '../types.js';
import { type Amendment, amend } from './amend.js';
import type { FanOut } from './fan-out.js';
import { sentOf } from './sent.js';

/** Milliseconds before each look for an append whose outcome is unknown. */
const UNKNOWN_OUTCOME_PAUSES_MS = [0, 100, 1000, 10_000];

interface Appended {
  readonly seqId: bigint;
  readonly duplicate: boolean;
  readonly cursor: Cursor;
}

/** Appends to conversations, and hands each entry to its outbox. A crash after the append leaves a note. */
export class Sender<M> {
  readonly #context: Context<M>;
  readonly #fanOut: FanOut<M>;
  readonly #modes: ModeSelector<M>;
  readonly #sending = new Set<Promise<Sent>>();

  constructor(context: Context<M>, fanOut: FanOut<M>) {
    this.#context = context;
    this.#fanOut = fanOut;
    this.#modes = new ModeSelector(context);
  }

  /** Resolves once the entry is stored. */
  async append(conversation: string, message: Stored<M>, key: string | undefined, signal?: AbortSignal): Promise<Sent> {
    const sending = this.#append(conversation, message, key, signal);
    this.#sending.add(sending);
    try {
      return await sending;
    } finally {
      this.#sending.delete(sending);
    }
  }

  /** Takes an entry that an earlier call has stored. */
  appendedBefore(conversation: string, seqId: bigint): Sent {
    const delivery = this.#fanOut.outboxOf(conversation).deliveredThrough(seqId);
    return sentOf(conversation, { seqId, duplicate: true }, delivery);
  }

  /** For closing: resolves once no append is under way. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#sending);
  }

  async #append(
    conversation: string,
    message: Stored<M>,
    key: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Sent> {
    const outbox = this.#fanOut.outboxOf(conversation);
    const endAppend = outbox.beginAppend();
    try {
      const note = this.#fanOut.notes.ensure(conversation);
      // One after the other: a call that fails must leave nothing under way that the next one would share.
      note.catch(() => undefined);
      if (message.kind === 'message') await this.#ensureMode(conversation);
      await note;
      const appended = await this.#store(conversation, message, key, signal);
      if (message.kind === 'edit' || message.kind === 'recall') await this.#amend(conversation, appended, message);
      const delivery = outbox.deliver(appended, message);
      if (message.kind === 'join' || message.kind === 'leave') {
        // The members have changed by then, so the mode may.
        const invalidateMode = () => this.#modes.invalidate(conversation);
        delivery.then(invalidateMode, invalidateMode);
      }
      return sentOf(conversation, appended, delivery);
    } finally {
      endAppend();
    }
  }

  /** From here on every process sees the change. If this fails, the fan-out does it. */
  async #amend(conversation: string, { seqId }: Appended, message: Amendment<M>): Promise<void> {
    const { store, closing } = this.#context;
    await amend(store.timeline(conversation), seqId, message, closing).catch(() => undefined);
  }

  async #store(
    conversation: string,
    message: Stored<M>,
    key: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Appended> {
    try {
      return await this.#context.store.timeline(conversation).append(message, { key, signal });
    } catch (error) {
      if (isTimelineError(error) && error.outcome !== 'not-applied') void this.#deliverLater(conversation);
      throw error;
    }
  }

  /** The append may still be applied, even a moment later, and no other process knows of it. */
  async #deliverLater(conversation: string): Promise<void> {
    const outbox = this.#fanOut.outboxOf(conversation);
    const endAppend = outbox.beginAppend();
    for (const ms of UNKNOWN_OUTCOME_PAUSES_MS) {
      await pause(ms, { signal: this.#context.closing });
      await outbox.catchUp().catch(() => undefined);
    }
    endAppend();
  }

  /** Before a message: appends a mode marker if the mode has to change. */
  async #ensureMode(conversation: string): Promise<void> {
    const outbox = this.#fanOut.outboxOf(conversation);
    const appendMarker = async ({ mode, after }: ModeChange) => {
      await this.#fanOut.notes.ensure(conversation);
      const marker = await this.#appendMarker(conversation, mode, `mode:${after}`);
      outbox.deliver(marker, { kind: 'mode', mode }).catch(() => undefined);
    };
    await this.#modes.ensureMode(conversation, () => outbox.newestMode(), appendMarker);
  }

  /** A marker that was gone before any process applied it counts for nothing, and its key is still known. */
  async #appendMarker(conversation: string, mode: Mode, key: string): Promise<Appended> {
    const marker = await this.#store(conversation, { kind: 'mode', mode }, key, undefined);
    if (!marker.duplicate) return marker;
    const { firstSeqId } = await this.#context.store.timeline(conversation).head();
    return marker.seqId < firstSeqId ? this.#appendMarker(conversation, mode, `${key}:${marker.seqId}`) : marker;
  }
}
