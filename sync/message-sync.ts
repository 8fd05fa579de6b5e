import { type Abortable, type SeqIdLike, type Timeline, TimelineError } from '../src/index.js';
import {
  checkOptions,
  describeValue,
  INSPECT,
  inspected,
  invalidArgument,
  type OptionNames,
} from '../src/toolkit/index.js';
import { ConversationCalls } from './calls/conversation-calls.js';
import { DeviceCalls } from './calls/device-calls.js';
import { MemberCalls } from './calls/member-calls.js';
import { MessageCalls } from './calls/message-calls.js';
import { ReadingCalls } from './calls/reading-calls.js';
import type { FanOut } from './outbox/fan-out.js';
import { Sender } from './outbox/sender.js';
import { type Context, checkOpen } from './shared/context.js';
import { checkConversation } from './shared/names.js';
import type {
  Authorize,
  ConversationSettings,
  ConversationSummary,
  Device,
  DeviceOptions,
  ListedDevice,
  ListOptions,
  MessagePage,
  MessageSync,
  MessagesOptions,
  OutgoingMessage,
  OutgoingSignal,
  Sent,
  Stored,
  UnreadTotals,
} from './types.js';

const RECOVER: OptionNames<{ readonly all?: boolean }> = { all: true };

/** Ends the parts of one MessageSync in turn. */
export interface Closing {
  /** Refuses calls from then on. */
  readonly refuseCalls: () => void;
  /** Fires `closing` of the context. */
  readonly stop: () => void;
  readonly closeLibraries: (() => Promise<void>) | undefined;
}

/** Passes the public calls to outboxes, devices and the conversation list. */
export class LibraryMessageSync<M> implements MessageSync<M> {
  declare readonly authorize?: Authorize;
  readonly #context: Context<M>;
  readonly #fanOut: FanOut<M>;
  readonly #sender: Sender<M>;
  readonly #messages: MessageCalls<M>;
  readonly #members: MemberCalls<M>;
  readonly #reading: ReadingCalls<M>;
  readonly #conversations: ConversationCalls<M>;
  readonly #devices: DeviceCalls<M>;
  readonly #closing: Closing;
  #closed: Promise<void> | undefined;

  constructor(context: Context<M>, fanOut: FanOut<M>, closing: Closing) {
    this.#context = context;
    if (context.authorize) this.authorize = context.authorize;
    this.#fanOut = fanOut;
    this.#closing = closing;
    this.#sender = new Sender(context, fanOut);
    this.#messages = new MessageCalls(context, this.#sender);
    this.#members = new MemberCalls(context, this.#sender);
    this.#reading = new ReadingCalls(context);
    this.#devices = new DeviceCalls(context);
    this.#conversations = new ConversationCalls(context);
  }

  send(message: OutgoingMessage<M>, options?: Abortable): Promise<Sent> {
    return this.#messages.send(message, options);
  }

  edit(...args: Parameters<MessageSync<M>['edit']>): Promise<Sent> {
    return this.#messages.edit(...args);
  }

  recall(...args: Parameters<MessageSync<M>['recall']>): Promise<Sent> {
    return this.#messages.recall(...args);
  }

  join(...args: Parameters<MessageSync<M>['join']>): Promise<Sent> {
    return this.#members.change('join', ...args);
  }

  leave(...args: Parameters<MessageSync<M>['leave']>): Promise<Sent> {
    return this.#members.change('leave', ...args);
  }

  isMember(conversation: string, user: string): Promise<boolean> {
    return this.#members.isMember(conversation, user);
  }

  wasMember(conversation: string, user: string): Promise<boolean> {
    return this.#members.wasMember(conversation, user);
  }

  members(conversation: string): AsyncIterable<string> {
    return this.#members.members(conversation);
  }

  messages(conversation: string, options?: MessagesOptions): Promise<MessagePage<M>> {
    return this.#reading.messages(conversation, options);
  }

  history(conversation: string): Timeline<Stored<M>> {
    return this.#context.store.timeline(checkConversation(conversation));
  }

  device(user: string, device: string, options?: DeviceOptions): Device<M> {
    return this.#devices.device(user, device, options);
  }

  signal(conversation: string, signal: OutgoingSignal): Promise<void> {
    return this.#members.signal(conversation, signal);
  }

  devices(user: string): AsyncIterable<ListedDevice> {
    return this.#devices.devices(user);
  }

  forgetDevice(user: string, device: string): Promise<void> {
    return this.#devices.forgetDevice(user, device);
  }

  conversations(user: string, options?: ListOptions): AsyncIterable<ConversationSummary<M>> {
    return this.#conversations.conversations(user, options);
  }

  conversation(user: string, conversation: string): Promise<ConversationSummary<M> | undefined> {
    return this.#conversations.conversation(user, conversation);
  }

  conversationChanges(user: string, options?: Abortable): AsyncIterable<ConversationSummary<M>> {
    return this.#conversations.conversationChanges(user, options);
  }

  unread(user: string, options?: { readonly atMost?: number | undefined }): Promise<UnreadTotals> {
    return this.#conversations.unread(user, options);
  }

  configure(user: string, conversation: string, settings: Partial<ConversationSettings>): Promise<void> {
    return this.#conversations.configure(user, conversation, settings);
  }

  markRead(user: string, conversation: string, seqId: SeqIdLike): Promise<bigint> {
    return this.#conversations.markRead(user, conversation, seqId);
  }

  readPositions(conversation: string, users?: readonly string[]): Promise<Map<string, bigint>> {
    return this.#conversations.readPositions(conversation, users);
  }

  async recover(options?: { readonly all?: boolean | undefined }): Promise<{ resumed: number }> {
    const { all = false } = checkOptions(options, RECOVER);
    if (typeof all !== 'boolean') throw invalidArgument('all', `must be a boolean, not ${describeValue(all)}`);
    checkOpen(this.#context);
    const { store } = this.#context;
    if (all && !store.capabilities.timelines) {
      const message = `the ${store.capabilities.adapter} adapter of the store library does not list its Timelines`;
      throw new TimelineError('TIMELINE_UNSUPPORTED', message, { capability: 'timelines' });
    }
    return { resumed: await this.#fanOut.recover({ all }) };
  }

  close(): Promise<void> {
    this.#closing.refuseCalls();
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [INSPECT](): object {
    const { store, sync } = this.#context;
    return inspected('MessageSync', { store: store.name, sync: sync.name });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    try {
      await this.#sender.idle();
      this.#closing.stop();
      await this.#fanOut.close();
    } finally {
      await this.#closing.closeLibraries?.();
    }
  }
}
