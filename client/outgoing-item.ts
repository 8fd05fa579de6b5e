import { ChatError } from './chat-error.js';
import type { ChatEntry, Outgoing, StoredOutgoing } from './types.js';

/** A change of an item: it is as stored, or it is over. The same in every tab. */
export interface OutboxChange {
  readonly item: StoredOutgoing;
  /** SeqId of its entry on the server. */
  readonly seqId?: bigint;
  /** It is discarded. */
  readonly isGone?: true;
}

/** A message, edit or recall on its way. */
export class OutgoingItem<M> implements Outgoing<M> {
  stored: StoredOutgoing;
  status: Outgoing<M>['status'] = 'pending';
  sent!: Promise<bigint>;
  error?: ChatError;
  isTried = false;
  readonly #change: (change: OutboxChange) => void;
  #resolve!: (seqId: bigint) => void;
  #reject!: (error: ChatError) => void;

  constructor(stored: StoredOutgoing, change: (change: OutboxChange) => void) {
    this.stored = stored;
    this.#change = change;
    this.begin();
  }

  get key(): string {
    return this.stored.key;
  }

  get conversation(): string {
    return this.stored.conversation;
  }

  get kind(): Outgoing<M>['kind'] {
    return this.stored.kind;
  }

  get body(): M {
    return this.stored.body as M;
  }

  get target(): bigint | undefined {
    const { target } = this.stored;
    return target === undefined ? undefined : BigInt(target);
  }

  /** The server may know it, and has not answered. */
  get isUnderWay(): boolean {
    return this.isTried && this.status === 'pending';
  }

  retry(): void {
    if (this.error) this.#change({ item: { ...this.stored, refused: undefined } });
  }

  discard(): void {
    if (this.status !== 'sent') this.#change({ item: this.stored, isGone: true });
  }

  begin(): void {
    this.status = 'pending';
    delete this.error;
    this.sent = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.sent.catch(() => {});
  }

  settle(seqId: bigint): void {
    this.status = 'sent';
    this.#resolve(seqId);
  }

  refuse(error: ChatError): void {
    this.status = 'failed';
    this.error = error;
    this.#reject(error);
  }

  /** The entry that it becomes. */
  entry(sender: string, entrySeqId: bigint): ChatEntry<M> {
    const { kind, conversation, body, mentions, countable, at } = this.stored;
    const { target } = this;
    return {
      ...{ conversation, sender, entrySeqId, sentAt: at },
      ...(kind === 'send'
        ? { kind: 'message', seqId: entrySeqId, ...(target !== undefined && { relatesTo: target }) }
        : { kind, seqId: target as bigint }),
      ...(body !== undefined && { body: body as M }),
      ...(mentions && { mentions }),
      ...(countable === false && { countable }),
    };
  }
}

export const refusalOf = ({ refused }: StoredOutgoing): ChatError | undefined =>
  refused && new ChatError(refused.code, refused.message, refused.status);
