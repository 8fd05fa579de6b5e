import { type Abortable, TimelineError } from '../../src/index.js';
import {
  checkObject,
  checkOptions,
  checkSeqId,
  describeValue,
  invalidArgument,
  throwIfAborted,
} from '../../src/toolkit/index.js';
import type { Sender } from '../outbox/sender.js';
import { type Context, checkOpen } from '../shared/context.js';
import { checkConversation, checkKey, checkUser } from '../shared/names.js';
import type { OutgoingMessage, Sent } from '../types.js';
import { checkDetails, checkTarget } from './message-details.js';

/** The public calls that store messages and change them. */
export class MessageCalls<M> {
  readonly #context: Context<M>;
  readonly #sender: Sender<M>;

  constructor(context: Context<M>, sender: Sender<M>) {
    this.#context = context;
    this.#sender = sender;
  }

  async send(message: OutgoingMessage<M>, options: Abortable = {}): Promise<Sent> {
    const { body } = checkObject(message, 'message');
    const conversation = checkConversation(message.conversation);
    const sender = checkUser(message.sender, 'sender');
    const key = checkKey(message.key);
    const details = checkDetails(message);
    const { signal } = checkOptions(options);
    if (body === undefined) throw invalidArgument('body', 'must be given');
    throwIfAborted(signal);
    checkOpen(this.#context);
    if (details.relatesTo !== undefined) {
      await checkTarget(this.#context, conversation, details.relatesTo, signal);
      checkOpen(this.#context);
    }
    return this.#sender.append(conversation, { kind: 'message', sender, body, ...details }, key && `m:${key}`, signal);
  }

  async edit(
    conversation: string,
    seqId: bigint,
    body: M,
    options: { readonly key?: string | undefined } = {},
  ): Promise<Sent> {
    const key = checkKey(checkObject(options, 'options').key);
    if (body === undefined) throw invalidArgument('body', 'must be given');
    const { sender } = await this.#changeable(conversation, seqId);
    const edit = { kind: 'edit', sender, target: String(seqId), body } as const;
    return this.#sender.append(conversation, edit, key && `e:${key}`);
  }

  async recall(conversation: string, seqId: bigint): Promise<Sent> {
    const { sender } = await this.#changeable(conversation, seqId, { recalled: true });
    return this.#sender.append(conversation, { kind: 'recall', sender, target: String(seqId) }, `r:${seqId}`);
  }

  /** Finds the message to change. A second recall succeeds; an edit after a recall is `TIMELINE_NOT_FOUND`. */
  async #changeable(
    conversation: string,
    seqId: bigint,
    options: { recalled?: boolean } = {},
  ): Promise<{ sender: string }> {
    checkOpen(this.#context);
    checkConversation(conversation);
    checkSeqId(seqId, 'seqId', 1n);
    const { store } = this.#context;
    if (!store.capabilities.update) {
      const message = `the ${store.capabilities.adapter} adapter of the store library does not support update`;
      throw new TimelineError('TIMELINE_UNSUPPORTED', message, { capability: 'update' });
    }
    const entry = await store.timeline(conversation).get(seqId, { onUndecodable: 'throw' });
    const message = entry?.deleted ? undefined : entry?.message;
    if (message?.kind !== 'message' || (message.recalled !== undefined && !options.recalled)) {
      throw new TimelineError('TIMELINE_NOT_FOUND', `there is no message ${seqId} in ${describeValue(conversation)}`, {
        timeline: conversation,
      });
    }
    return { sender: message.sender };
  }
}
