import { throwIfAborted } from '../src/abort.js';
import { invalidArgument, isTimelineError, TimelineError } from '../src/errors.js';
import { checkSeqId } from '../src/range.js';
import { checkObject, checkOptions, describe } from '../src/text.js';
import type { Abortable, Cursor, Timeline } from '../src/types.js';
import { ConversationList } from './conversations/conversation-list.js';
import { checkStart, SyncDevice } from './device/device.js';
import { pause } from './inbox/inbox-writer.js';
import { type Change, Reviews } from './modes/mode-selector.js';
import type { FanOut } from './outbox/fan-out.js';
import type { Context } from './shared/context.js';
import { Recent } from './shared/listing.js';
import { checkConversation, checkDevice, checkKey, checkUser, checkUsers } from './shared/names.js';
import type {
  ConversationSummary,
  Delivery,
  Device,
  DeviceOptions,
  MessageSync,
  OutgoingMessage,
  Sent,
  Stored,
} from './types.js';

const DEVICES = 10_000;
/** Users named in one join or leave. */
const USERS = 500;
/** Milliseconds between the looks for an append whose outcome is unknown. */
const DOUBT_MS = [0, 100, 1000, 10_000];
/** Entries of a conversation in read diffusion between two looks at its outbox. */
const READ_STRIDE = 256n;

export class Sync<M> implements MessageSync<M> {
  readonly #context: Context<M>;
  readonly #fanOut: FanOut<M>;
  readonly #reviews: Reviews<M>;
  readonly #list: ConversationList<M>;
  readonly #devices = new Recent<string, SyncDevice<M>>(DEVICES);
  readonly #stop: AbortController;
  readonly #sending = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;
  #isClosing = false;

  constructor(context: Context<M>, fanOut: FanOut<M>, stop: AbortController) {
    this.#context = context;
    this.#fanOut = fanOut;
    this.#stop = stop;
    this.#reviews = new Reviews(context);
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
    const { sender } = await this.#target(conversation, seqId, 'update');
    return this.#append(conversation, { kind: 'edit', sender, target: String(seqId), body }, key && `e:${key}`);
  }

  async recall(conversation: string, seqId: bigint): Promise<Sent> {
    const { sender } = await this.#target(conversation, seqId, 'update', { recalled: true });
    return this.#append(conversation, { kind: 'recall', sender, target: String(seqId) }, `r:${seqId}`);
  }

  join(conversation: string, users: string | readonly string[]): Promise<Sent> {
    return this.#change('join', conversation, users);
  }

  leave(conversation: string, users: string | readonly string[]): Promise<Sent> {
    return this.#change('leave', conversation, users);
  }

  async #change(kind: 'join' | 'leave', conversation: string, users: string | readonly string[]): Promise<Sent> {
    checkConversation(conversation);
    const names = checkUsers(users);
    const parts: Sent[] = [];
    for (let i = 0; i < names.length; i += USERS) {
      parts.push(await this.#append(conversation, { kind, users: names.slice(i, i + USERS) }, undefined));
    }
    const last = parts.at(-1) as Sent;
    const review = () => this.#reviews.forget(conversation);
    last.delivered.then(review, review);
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
    return this.#list.markRead(user, conversation, checkSeqId(seqId, 'seqId', 0n));
  }

  async recover(): Promise<{ resumed: number }> {
    this.#checkOpen();
    return { resumed: await this.#fanOut.recover() };
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
    await Promise.allSettled(this.#sending);
    this.#stop.abort();
    await this.#fanOut.close();
  }

  /** The message to change. Recalling twice is no error; editing what was recalled is. */
  async #target(
    conversation: string,
    seqId: bigint,
    capability: 'update',
    options: { recalled?: boolean } = {},
  ): Promise<{ sender: string }> {
    this.#checkOpen();
    checkConversation(conversation);
    checkSeqId(seqId, 'seqId', 1n);
    const { store } = this.#context;
    if (!store.capabilities[capability]) {
      const message = `the ${store.capabilities.adapter} adapter of the store library does not support ${capability}`;
      throw new TimelineError('TIMELINE_UNSUPPORTED', message, { capability });
    }
    const entry = await store.timeline(conversation).get(seqId, { onUndecodable: 'throw' });
    const message = entry?.deleted ? undefined : entry?.message;
    if (message?.kind !== 'message' || (message.recalled !== undefined && !options.recalled)) {
      throw new TimelineError('TIMELINE_NOT_FOUND', `there is no message ${seqId} in ${describe(conversation)}`, {
        timeline: conversation,
      });
    }
    return { sender: message.sender };
  }

  /** Store first, then diffuse: nothing is appended before a crash behind it would be noticed. */
  async #append(
    conversation: string,
    message: Stored<M>,
    key: string | undefined,
    signal?: AbortSignal,
  ): Promise<Sent> {
    this.#checkOpen();
    return this.#track(this.#appendNow(conversation, message, key, signal));
  }

  async #appendNow(
    conversation: string,
    message: Stored<M>,
    key: string | undefined,
    signal?: AbortSignal,
  ): Promise<Sent> {
    const { diffusion } = this.#context;
    const lane = this.#fanOut.lane(conversation);
    const release = lane.expect();
    try {
      if (message.kind === 'message') await this.#review(conversation);
      const readOnly =
        message.kind === 'message' && !diffusion.modes.includes('write') && (await lane.mode()).mode === 'read';
      if (!readOnly) await this.#fanOut.work.begin(conversation);
      const appended = await this.#store(conversation, message, key, signal);
      if (!readOnly) lane.own(appended.seqId);
      if (!readOnly && !this.#fanOut.work.holds(conversation)) await this.#fanOut.work.begin(conversation);
      if (readOnly && appended.seqId % READ_STRIDE !== 0n)
        return sent(appended, Promise.resolve({ recipients: 0, refused: [] }));
      const delivered = lane.through(appended.seqId);
      this.#fanOut.tidy();
      return sent(appended, delivered);
    } finally {
      release();
    }
  }

  async #store(
    conversation: string,
    message: Stored<M>,
    key: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<{ seqId: bigint; duplicate: boolean }> {
    try {
      return await this.#context.store.timeline(conversation).append(message, { key, signal });
    } catch (error) {
      if (isTimelineError(error) && error.outcome !== 'not-applied') void this.#doubt(conversation);
      throw error;
    }
  }

  /** It may be stored after all, perhaps only in a moment, and then nobody but this process knows of it. */
  async #doubt(conversation: string): Promise<void> {
    const lane = this.#fanOut.lane(conversation);
    const release = lane.expect();
    for (const ms of DOUBT_MS) {
      await pause(ms, this.#context.closing);
      await lane.catchUp().catch(() => undefined);
    }
    release();
  }

  /** Before a message: is the conversation in the mode that suits it? If not, a marker goes first. */
  async #review(conversation: string): Promise<void> {
    const lane = this.#fanOut.lane(conversation);
    const change = async ({ mode, after }: Change) => {
      await this.#fanOut.work.begin(conversation);
      const { seqId } = await this.#store(conversation, { kind: 'mode', mode }, `mode:${after}`, undefined);
      lane.own(seqId);
      lane.through(seqId).catch(() => undefined);
    };
    await this.#reviews.look(conversation, () => lane.mode(), change);
  }

  #checkOpen(): void {
    if (this.#isClosing) throw new TimelineError('TIMELINE_CLOSED', 'the message sync is closed');
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#sending.add(work);
    try {
      return await work;
    } finally {
      this.#sending.delete(work);
    }
  }
}

function sent(appended: { seqId: bigint; duplicate: boolean; cursor?: Cursor }, delivered: Promise<Delivery>): Sent {
  delivered.catch(() => undefined);
  return { seqId: appended.seqId, duplicate: appended.duplicate, delivered };
}
