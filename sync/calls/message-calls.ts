import { type Abortable, isTimelineError, type Nullable, type SeqIdLike, TimelineError } from '../../src/index.js';
import {
  ABORTABLE,
  checkFields,
  checkOptions,
  checkSeqId,
  describeValue,
  invalidArgument,
  type OptionNames,
  throwIfAborted,
  validate,
} from '../../src/toolkit/index.js';
import { checkPermission } from '../members/authorization.js';
import type { Sender } from '../outbox/sender.js';
import { type Context, checkOpen } from '../shared/context.js';
import { checkActor, checkConversation, checkKey, checkUser } from '../shared/names.js';
import type { OutgoingMessage, Sent, StoredMessage } from '../types.js';
import { checkDetails, checkTarget } from './message-details.js';
import { OrderedChecks } from './ordered-checks.js';

interface ChangeOptions {
  readonly key?: string | undefined;
  readonly by?: string | undefined;
}

const MESSAGE: OptionNames<OutgoingMessage<unknown>> = {
  ...{ conversation: true, sender: true, body: true, key: true },
  ...{ countable: true, relatesTo: true, mentions: true },
};
const EDIT: OptionNames<ChangeOptions> = { key: true, by: true };
const RECALL: OptionNames<Pick<ChangeOptions, 'by'>> = { by: true };

/** The public calls that store messages and change them. */
export class MessageCalls<M> {
  readonly #context: Context<M>;
  readonly #sender: Sender<M>;
  readonly #checks = new OrderedChecks();

  constructor(context: Context<M>, sender: Sender<M>) {
    this.#context = context;
    this.#sender = sender;
  }

  async send(message: OutgoingMessage<M>, options?: Abortable): Promise<Sent> {
    const given = checkFields<OutgoingMessage<M>>(message, MESSAGE, 'message');
    // Taken from the message itself: a body may be `null`.
    const { body } = message;
    const conversation = checkConversation(given.conversation);
    const sender = checkUser(given.sender, 'sender');
    const key = checkKey(given.key);
    const details = checkDetails(given);
    const { signal } = checkOptions(options, ABORTABLE);
    checkBody(body);
    throwIfAborted(signal);
    checkOpen(this.#context);
    const append = (valid: M): Promise<Sent> => {
      checkOpen(this.#context);
      const entry = { kind: 'message', sender, body: valid, ...details } as const;
      return this.#sender.append(conversation, entry, key && `m:${key}`, signal);
    };
    const { authorize, bodySchema } = this.#context;
    const needsCheck = authorize || bodySchema || details.relatesTo !== undefined;
    if (!needsCheck && !this.#checks.isBusy(conversation)) return append(body);
    const check = async () => {
      const valid = await this.#validBody(body);
      await checkPermission(this.#context, { kind: 'send', user: sender, conversation });
      if (details.relatesTo !== undefined) await checkTarget(this.#context, conversation, details.relatesTo, signal);
      return valid;
    };
    return this.#checks.run(conversation, check, append, signal);
  }

  async edit(conversation: string, given: SeqIdLike, body: M, options?: Nullable<ChangeOptions> | null): Promise<Sent> {
    const { key: givenKey, by: actor } = checkOptions(options, EDIT);
    const key = checkKey(givenKey);
    const by = checkActor(actor);
    checkBody(body);
    const seqId = this.#checkTarget(conversation, given);
    const valid = await this.#validBody(body);
    const { sender } = await this.#permittedTarget('edit', conversation, seqId, by);
    checkOpen(this.#context);
    const edit = { kind: 'edit', sender, target: String(seqId), body: valid, ...(by !== undefined && { by }) } as const;
    return this.#sender.append(conversation, edit, key && `e:${key}`);
  }

  async recall(
    conversation: string,
    given: SeqIdLike,
    options?: Nullable<Pick<ChangeOptions, 'by'>> | null,
  ): Promise<Sent> {
    const by = checkActor(checkOptions(options, RECALL).by);
    const seqId = this.#checkTarget(conversation, given);
    const { sender } = await this.#permittedTarget('recall', conversation, seqId, by);
    checkOpen(this.#context);
    const recall = { kind: 'recall', sender, target: String(seqId), ...(by !== undefined && { by }) } as const;
    try {
      return await this.#sender.append(conversation, recall, `r:${seqId}`);
    } catch (error) {
      // Somebody else has recalled the message.
      if (!isTimelineError(error) || error.code !== 'TIMELINE_KEY_CONFLICT' || typeof error.actual !== 'bigint')
        throw error;
      return this.#sender.appendedBefore(conversation, error.actual);
    }
  }

  async #validBody(body: M): Promise<M> {
    const { value } = await validate(this.#context.bodySchema, body, undefined, 'body');
    checkBody(value);
    return value;
  }

  #checkTarget(conversation: string, given: SeqIdLike): bigint {
    checkOpen(this.#context);
    checkConversation(conversation);
    const seqId = checkSeqId(given, 'seqId', 1n);
    const { store } = this.#context;
    if (store.capabilities.update) return seqId;
    const message = `the ${store.capabilities.adapter} adapter of the store library does not support update`;
    throw new TimelineError('TIMELINE_UNSUPPORTED', message, { capability: 'update' });
  }

  /**
   * Finds the message to change. A second recall succeeds; an edit after a recall is `TIMELINE_NOT_FOUND`. A user who
   * may not change it learns nothing of it: a refusal precedes other errors.
   */
  async #permittedTarget(
    kind: 'edit' | 'recall',
    conversation: string,
    seqId: bigint,
    user: string | undefined,
  ): Promise<StoredMessage<M>> {
    const found = this.#context.store.timeline(conversation).get(seqId, { onUndecodable: 'throw' });
    const message = await found.then(
      (entry) => (entry?.message?.kind === 'message' ? entry.message : undefined),
      () => undefined,
    );
    await checkPermission(this.#context, { kind, user, conversation, target: message });
    await found;
    if (!message || (kind === 'edit' && message.recalled !== undefined)) {
      throw new TimelineError('TIMELINE_NOT_FOUND', `there is no message ${seqId} in ${describeValue(conversation)}`, {
        timeline: conversation,
      });
    }
    return message;
  }
}

function checkBody(body: unknown): void {
  if (body === undefined) throw invalidArgument('body', 'must be given');
}
