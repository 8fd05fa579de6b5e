import type { Cursor } from '../../src/index.js';
import { withJson } from '../../src/toolkit/index.js';
import type { PublishedSignal } from '../members/signals.js';
import type { Context } from '../shared/context.js';
import { topicOf } from '../shared/names.js';
import type { SignalMessage, SyncMessageFields } from '../types.js';
import { withCursor } from './device-message.js';

const MAX_SIGNALS = 64;

/** Signals that the reader of a subscription has not taken: the newest, so that a slow one takes no memory. */
export class SignalBuffer<M> {
  readonly #stop: () => void;
  #signals: PublishedSignal[] = [];

  constructor({ sync }: Context<M>, user: string, onSignal: () => void) {
    this.#stop = sync.listen([topicOf.user(user)], (_, payload) => {
      this.#signals.push(JSON.parse(payload) as PublishedSignal);
      if (this.#signals.length > MAX_SIGNALS) this.#signals.shift();
      onSignal();
    });
  }

  get isEmpty(): boolean {
    return this.#signals.length === 0;
  }

  /**
   * Takes all signals. Acknowledging one acknowledges the messages up to `cursor`: the first tells what the device has
   * to know by then.
   */
  take(cursor: Cursor, told: Pick<SyncMessageFields, 'resynced' | 'truncated'>): SignalMessage[] {
    const signals = this.#signals;
    this.#signals = [];
    return signals.map(({ conversation, from, body, sentAt }, i) => {
      const message = { kind: 'signal', conversation, seqId: 0n, entrySeqId: 0n, sender: from, body, sentAt } as const;
      return withCursor(withJson({ ...message, ...(i === 0 && told) }), () => cursor);
    });
  }

  stop(): void {
    this.#stop();
  }
}
