import { isTimelineError } from '../../src/errors.js';
import type { Cursor } from '../../src/types.js';
import { type ModeChange, ModeSelector } from '../modes/mode-selector.js';
import type { Context } from '../shared/context.js';
import { pause } from '../shared/pause.js';
import type { Delivery, Sent, Stored } from '../types.js';
import type { FanOut } from './fan-out.js';

/** Milliseconds before each look for an append whose outcome is unknown. */
const UNKNOWN_OUTCOME_PAUSES_MS = [0, 100, 1000, 10_000];
/** Entries of a conversation in read mode between two runs of its outbox. */
const READ_MODE_STRIDE = 256n;

interface Appended {
  readonly seqId: bigint;
  readonly duplicate: boolean;
  readonly cursor?: Cursor;
}

/**
 * Appends entries to conversations and starts their outboxes. The conversation is on the work list before the append,
 * so that other processes find it after a crash.
 */
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

  /** The members of a conversation have changed, so its mode may. */
  invalidateMode(conversation: string): void {
    this.#modes.invalidate(conversation);
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
    const { diffusion } = this.#context;
    const { work } = this.#fanOut;
    const outbox = this.#fanOut.outboxOf(conversation);
    const endAppend = outbox.beginAppend();
    try {
      if (message.kind === 'message') await this.#ensureMode(conversation);
      const isReadOnly =
        message.kind === 'message' && !diffusion.modes.includes('write') && (await outbox.newestMode()).mode === 'read';
      if (!isReadOnly) await work.begin(conversation);
      const appended = await this.#store(conversation, message, key, signal);
      if (!isReadOnly) outbox.addAppended(appended.seqId);
      if (!isReadOnly && !work.holds(conversation)) await work.begin(conversation);
      if (isReadOnly && appended.seqId % READ_MODE_STRIDE !== 0n)
        return sentOf(appended, Promise.resolve({ recipients: 0, refused: [] }));
      const delivered = outbox.deliveredThrough(appended.seqId);
      this.#fanOut.tidy();
      return sentOf(appended, delivered);
    } finally {
      endAppend();
    }
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
      await pause(ms, this.#context.closing);
      await outbox.catchUp().catch(() => undefined);
    }
    endAppend();
  }

  /** Before a message: appends a mode marker if the mode has to change. */
  async #ensureMode(conversation: string): Promise<void> {
    const outbox = this.#fanOut.outboxOf(conversation);
    const appendMarker = async ({ mode, after }: ModeChange) => {
      await this.#fanOut.work.begin(conversation);
      const { seqId } = await this.#store(conversation, { kind: 'mode', mode }, `mode:${after}`, undefined);
      outbox.addAppended(seqId);
      outbox.deliveredThrough(seqId).catch(() => undefined);
    };
    await this.#modes.ensureMode(conversation, () => outbox.newestMode(), appendMarker);
  }
}

function sentOf({ seqId, duplicate }: Appended, delivered: Promise<Delivery>): Sent {
  delivered.catch(() => undefined);
  return { seqId, duplicate, delivered };
}
