import type { TimelineEntry } from '../../src/index.js';
import type { Context } from '../shared/context.js';
import { isUndecodable, lenient } from '../shared/undecodable.js';
import type { Stored, Synced } from '../types.js';
import type { InboxCopy } from './backlog.js';
import { type CopiedMessage, isKeyTrusted } from './copied-message.js';
import { withoutBody } from './inbox-entries.js';

/** The part of the patience after which a copy counts as late: timers and clocks are not exact. */
const PROMPT_PART = 0.5;

type Copy<M> = Extract<Synced<M>, { readonly sender: string }>;

/**
 * Finds copies that were written with a body which an edit or recall had replaced by then. A process that stood still
 * between reading a message and copying it may come after another one that passed the message as gone, and that
 * removed its body from the inboxes. A copy in time needs no look: no process passes lost entries within its patience.
 */
export class LateCopies<M> {
  readonly #context: Context<M>;

  constructor(context: Context<M>) {
    this.#context = context;
  }

  /** Returns the message if its copies have to lose their body. Call it after the copies were written. */
  async outdated({ message, key, readAt }: InboxCopy<M>): Promise<CopiedMessage<M> | undefined> {
    if (message.kind !== 'message' || !('sender' in message) || message.body === undefined) return undefined;
    if (readAt !== undefined && performance.now() - readAt < this.#context.patience.leastMs * PROMPT_PART)
      return undefined;
    const { conversation, sentAt } = message;
    const seqId = BigInt(message.seqId);
    const entry = await this.#context.store.timeline(conversation).get(seqId, lenient);
    if (entry && isCurrent(entry, message)) return undefined;
    const { clock, sync } = this.#context;
    const { keyWindowMs } = sync.capabilities;
    const isKeyRemembered = () => isKeyTrusted({ sentAt, atLeast: sentAt, clock, keyWindowMs });
    return { conversation, seqId, known: { sentAt, key, reference: withoutBody(message) }, isKeyRemembered };
  }
}

function isCurrent<M>({ message, deleted, appendedAt }: TimelineEntry<Stored<M>>, copy: Copy<M>): boolean {
  if (deleted || isUndecodable(message) || message.kind !== 'message' || appendedAt !== copy.sentAt) return false;
  return message.recalled === undefined && message.edited === undefined;
}
