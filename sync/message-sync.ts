import { type Abortable, type Timeline, TimelineError } from '../src/index.js';
import {
  checkObject,
  checkOptions,
  checkSeqId,
  describeValue,
  invalidArgument,
  throwIfAborted,
} from '../src/toolkit/index.js';
import { ConversationList } from './conversations/conversation-list.js';
import { markRead } from './conversations/read-positions.js';
import { checkStart, SyncDevice } from './device/device.js';
import type { FanOut } from './outbox/fan-out.js';
import { Sender } from './outbox/sender.js';
import type { Context } from './shared/context.js';
import { RecentMap } from './shared/listing.js';
import { checkConversation, checkDevice, checkKey, checkUser, checkUsers } from './shared/names.js';
import type {
  ConversationSummary,
  Device,
  DeviceOptions,
  MessageSync,
  OutgoingMessage,
  Sent,
  Stored,
} from './types.js';

const MAX_DEVICES = 10_000;
/** Users in one join or leave entry. */
const USERS_PER_ENTRY = 500;

/** Checks the arguments of the public calls and passes them to outboxes, devices and the conversation list. */
export class LibraryMessageSync<M> implements MessageSync<M> {
  readonly #context: Context<M>;
  readonly #fanOut: FanOut<M>;
  readonly #sender: Sender<M>;
  readonly #list: ConversationList<M>;
  readonly #devices = new RecentMap<string, SyncDevice<M>>(MAX_DEVICES);
  readonly #stop: AbortController;
  #closed: Promise<void> | undefined;
  #isClosing = false;

  constructor(context: Context<M>, fanOut: FanOut<M>, stop: AbortController) {
    this.#context = context;
    this.#fanOut = fanOut;
    this.#stop = stop;
    this.#sender = new Sender(context, fanOut);
    this.#list = new ConversationList(context);
  }

  async send(message: OutgoingMessage<M>, options: Abortable = {}): Promise<Sent> {
    const { body } = checkObject(message, 'message');
    const conversation = checkConversation(message.conversation);
    const sender = checkUser(message.sender, 'sender');
    const key = checkKey(message.key);
    const { signal } = checkOptions(options);
    if (body === undefined) throw invalidArgument('body', 'must be given');
    throwIfAborted(signal);
    return this.#append(conversation, { kind: 'message', sender, body }, key && `m:${key}`, signal);
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
    return this.#append(conversation, { kind: 'edit', sender, target: String(seqId), body }, key && `e:${key}`);
  }

  async recall(conversation: string, seqId: bigint): Promise<Sent> {
    const { sender } = await this.#changeable(conversation, seqId, { recalled: true });
    return this.#append(conversation, { kind: 'recall', sender, target: String(seqId) }, `r:${seqId}`);
  }

  join(conversation: string, users: string | readonly string[]): Promise<Sent> {
    return this.#changeMembers('join', conversation, users);
  }

  leave(conversation: string, users: string | readonly string[]): Promise<Sent> {
    return this.#changeMembers('leave', conversation, users);
  }

  async #changeMembers(kind: 'join' | 'leave', conversation: string, users: string | readonly string[]): Promise<Sent> {
    checkConversation(conversation);
    const names = checkUsers(users);
    const parts: Sent[] = [];
    for (let i = 0; i < names.length; i += USERS_PER_ENTRY) {
      parts.push(await this.#append(conversation, { kind, users: names.slice(i, i + USERS_PER_ENTRY) }, undefined));
    }
    const last = parts.at(-1) as Sent;
    const invalidateMode = () => this.#sender.invalidateMode(conversation);
    last.delivered.then(invalidateMode, invalidateMode);
    return last;
  }

  history(conversation: string): Timeline<Stored<M>> {
    return this.#context.store.timeline(checkConversation(conversation));
  }

  device(user: string, device: string, options: DeviceOptions = {}): Device<M> {
    checkUser(user);
    checkDevice(device);
    const { start = 'oldest' } = checkObject(options, 'options');
    checkStart(start);
    const key = JSON.stringify([user, device, start]);
    return this.#devices.use(key, () => new SyncDevice(this.#context, { user, device, start }));
  }

  conversations(user: string): AsyncIterable<ConversationSummary<M>> {
    return this.#list.of(checkUser(user));
  }

  async markRead(user: string, conversation: string, seqId: bigint): Promise<bigint> {
    this.#checkOpen();
    checkUser(user);
    checkConversation(conversation);
    return markRead(this.#context, user, conversation, checkSeqId(seqId, 'seqId', 0n));
  }

  async recover(options: { readonly all?: boolean | undefined } = {}): Promise<{ resumed: number }> {
    const { all = false } = checkObject(options, 'options');
    if (typeof all !== 'boolean') throw invalidArgument('all', `must be a boolean, not ${describeValue(all)}`);
    this.#checkOpen();
    const { store } = this.#context;
    if (all && !store.capabilities.timelines) {
      const message = `the ${store.capabilities.adapter} adapter of the store library does not list its Timelines`;
      throw new TimelineError('TIMELINE_UNSUPPORTED', message, { capability: 'timelines' });
    }
    return { resumed: await this.#fanOut.recover({ all }) };
  }

  close(): Promise<void> {
    this.#isClosing = true;
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#sender.idle();
    this.#stop.abort();
    await this.#fanOut.close();
  }

  /** Finds the message to change. A second recall succeeds; an edit after a recall is `TIMELINE_NOT_FOUND`. */
  async #changeable(
    conversation: string,
    seqId: bigint,
    options: { recalled?: boolean } = {},
  ): Promise<{ sender: string }> {
    this.#checkOpen();
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

  async #append(
    conversation: string,
    message: Stored<M>,
    key: string | undefined,
    signal?: AbortSignal,
  ): Promise<Sent> {
    this.#checkOpen();
    return this.#sender.append(conversation, message, key, signal);
  }

  #checkOpen(): void {
    if (this.#isClosing) throw new TimelineError('TIMELINE_CLOSED', 'the message sync is closed');
  }
}
