import type { Frame, WireTruncated } from '../http/protocol.js';
import { Backoff } from './backoff.js';
import { type ChatError, closedError, invalidArgument, unavailable } from './chat-error.js';
import { Connection, type ConnectionHost } from './connection.js';
import { Conversation, type ConversationHost } from './conversation.js';
import { ConversationList } from './conversation-list.js';
import type { Core } from './core.js';
import { Events } from './events.js';
import type { ListHost } from './list-state.js';
import { Outbox, type OutboxHost } from './outbox.js';
import type { OutboxChange, OutgoingItem } from './outgoing-item.js';
import { Requests } from './requests.js';
import { SeenEntries } from './seen-entries.js';
import type { Transport } from './transport.js';
import type { ChatClient, ChatEvent, ChatOptions, ChatState, Outgoing, SendOptions, StoredOutgoing } from './types.js';
import { entryOf, pathOf } from './wire.js';

/** Of a browser; Node has neither. */
const browser = globalThis as {
  addEventListener?: (type: string, listener: () => void, options: { readonly signal: AbortSignal }) => void;
  navigator?: { readonly onLine?: boolean };
};

type Hosts<M> = ConnectionHost<M> & ConversationHost<M> & OutboxHost<M> & ListHost;

/** A value that one tab tells the others: something that arrived, a change of the outbox, its state, or a question. */
interface TabMessage<M> {
  readonly frame?: Frame<M>;
  readonly change?: OutboxChange;
  readonly state?: ChatState;
  readonly user?: string | undefined;
  readonly cursor?: string | undefined;
}

/** A user's chat: what arrives goes to the conversations and the list, what is sent to the outbox. */
export class Chat<M> implements ChatClient<M>, Hosts<M> {
  state: ChatState = 'offline';
  user: string | undefined;
  cursor: string | undefined;
  isBegun = false;
  readonly options: ChatOptions;
  readonly backoff: Backoff;
  readonly requests: Requests;
  readonly box: Outbox<M>;
  readonly conversations: ConversationList<M>;
  readonly #events = new Events<M>();
  readonly #closing = new AbortController();
  readonly closed: AbortSignal = this.#closing.signal;
  readonly #seen = new SeenEntries();
  readonly #open = new Map<string, Conversation<M>>();
  readonly #connection: Connection<M>;
  /** This tab is the one that is connected. */
  #isLeading = false;

  constructor(url: string, options: ChatOptions, transports: (core: Core) => readonly Transport<M>[]) {
    this.options = options;
    this.backoff = new Backoff(options);
    this.requests = new Requests(url, options, this.closed);
    this.box = new Outbox(this);
    this.conversations = new ConversationList(this);
    this.#connection = new Connection(this, transports(this));
    void this.#start();
  }

  get unread(): ChatClient<M>['unread'] {
    return this.conversations.unread;
  }

  get outbox(): ChatClient<M>['outbox'] {
    return this.box.observed;
  }

  readonly on: ChatClient<M>['on'] = (event, listener) => this.#events.on(event, listener);

  events(): AsyncIterable<ChatEvent<M>> {
    return this.#events.stream();
  }

  send(conversation: string, body: M, options: SendOptions = {}): Outgoing<M> {
    const { key = randomKey(), relatesTo, mentions, countable } = options;
    return this.#add({
      ...{ kind: 'send', key, conversation, body },
      ...(relatesTo !== undefined && { target: String(relatesTo) }),
      ...(mentions && { mentions }),
      ...(countable === false && { countable }),
    });
  }

  edit(conversation: string, seqId: bigint | string, body: M, { key = randomKey() } = {}): Outgoing<M> {
    return this.#add({ kind: 'edit', key, conversation, body, target: String(seqId) });
  }

  recall(conversation: string, seqId: bigint | string): Outgoing<M> {
    return this.#add({ kind: 'recall', key: randomKey(), conversation, target: String(seqId) });
  }

  react(conversation: string, seqId: bigint | string, body: M): Outgoing<M> {
    return this.send(conversation, body, { relatesTo: seqId, countable: false });
  }

  conversation(id: string): Conversation<M> {
    const found = this.#open.get(id) ?? new Conversation<M>(id, this);
    this.#open.set(id, found);
    return found;
  }

  async configure(conversation: string, settings: object): Promise<void> {
    await this.requests.json(pathOf(conversation, '/settings'), 'PUT', settings);
  }

  request(method: string, path: string, body?: unknown): Promise<unknown> {
    return this.requests.json(path, method, body);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.backoff.wake();
    this.box.close();
    this.enter('closed');
  }

  fail(error: ChatError): void {
    this.#events.emit('error', error);
  }

  enter(state: ChatState): void {
    if (this.state === 'closed' || this.state === state) return;
    this.state = state;
    if (this.#isLeading) this.#tellState();
    this.#events.emit('state', state);
  }

  receive(frame: Frame<M>): void {
    if (this.#isLeading) this.#post({ frame });
    const { event, data } = frame;
    if (event === 'ready') {
      this.user = data.user;
      if (this.#isLeading) this.box.start();
      this.backoff.wake();
    } else if (event === 'signal') {
      this.#tellTruncated(data);
      const { conversation, from, body } = data;
      this.#events.emit(event, { conversation, from, body });
    } else if (event === 'resync') this.refresh(true);
    else if (event === 'message') {
      this.#tellTruncated(data);
      const { truncated, ...message } = data;
      const entry = entryOf(message);
      if (this.#seen.add(entry)) {
        this.#open.get(entry.conversation)?.fold(entry);
        this.conversations.state?.fold(entry);
        this.#events.emit(event, entry);
      }
    }
    if (event === 'message' || event === 'caught-up') {
      if (!this.isBegun) {
        this.isBegun = true;
        this.#load();
      }
      this.cursor = frame.id ?? this.cursor;
    }
  }

  /** Entries are gone that this device was to get. */
  #tellTruncated({ truncated }: { readonly truncated?: readonly WireTruncated[] }): void {
    if (!truncated) return;
    this.refresh(false);
    const told = truncated.map(({ conversation, through }) => ({ conversation, through: BigInt(through) }));
    this.#events.emit('truncated', told);
  }

  refresh(isAnew: boolean): void {
    if (this.isBegun) this.#load();
    if (!isAnew) return;
    this.#seen.clear();
    this.#events.emit('resync', undefined);
  }

  changed(item: OutgoingItem<M>, seqId: bigint | undefined): void {
    this.#open.get(item.conversation)?.changed(item, seqId);
    this.#events.emit('outgoing', item);
  }

  share(change: OutboxChange): void {
    this.#post({ change });
  }

  markedRead(conversation: string, seqId: bigint): void {
    this.conversations.state?.markedRead(conversation, seqId);
  }

  listed(conversation: string, seqId: bigint): void {
    const known = this.#open.get(conversation);
    known?.fold({ kind: 'read', conversation, seqId, entrySeqId: seqId, sender: '', sentAt: 0 });
  }

  /** Opens the storage, waits for the lead of the tabs, and stays connected. */
  async #start(): Promise<void> {
    const { closed, box, options } = this;
    try {
      const storage = await options.storage?.open();
      closed.addEventListener('abort', () => storage?.close());
      if (closed.aborted) storage?.close();
      box.storage = storage;
      const { tabs } = storage ?? {};
      const lead = tabs?.join((message) => this.#hear(message as TabMessage<M>));
      tabs?.post({});
      await box.load();
      await lead;
      // What the tab that led has not passed on.
      if (lead) await box.load();
    } catch (error) {
      this.fail(unavailable(error));
    }
    if (closed.aborted) return;
    this.#isLeading = true;
    this.refresh(false);
    for (const type of ['online', 'offline']) browser.addEventListener?.(type, this.#onNetwork, { signal: closed });
    await this.#connection.run();
  }

  /** Reads everything that is shown. */
  #load(): void {
    for (const conversation of this.#open.values()) conversation.load();
    this.conversations.state?.load();
  }

  /** Something from another tab. */
  #hear({ frame, change, state, user, cursor }: TabMessage<M>): void {
    if (change) this.box.apply(change);
    else if (this.#isLeading) {
      if (!frame && !state) this.#tellState();
    } else if (frame) this.receive(frame);
    else if (state) {
      this.user ??= user;
      this.cursor ??= cursor;
      this.enter(state);
      if (state === 'live' && !this.isBegun) {
        this.isBegun = true;
        this.#load();
      }
    }
  }

  #tellState(): void {
    const { state, user, cursor } = this;
    this.#post({ state, user, cursor });
  }

  #post(message: TabMessage<M>): void {
    this.box.storage?.tabs?.post(message);
  }

  #add(draft: Omit<StoredOutgoing, 'order' | 'at'>): Outgoing<M> {
    const { conversation, kind, body, target = '0' } = draft;
    const text = JSON.stringify(body);
    if (!conversation || !/^\d+$/.test(target) || (kind !== 'recall' && text === undefined))
      throw invalidArgument('needs a conversation, a SeqId in decimal and a body of JSON');
    if (this.closed.aborted) throw closedError();
    // The caller may change the object later.
    return this.box.add({ ...draft, ...(text && { body: JSON.parse(text) }) });
  }

  readonly #onNetwork = (): void => {
    this.backoff.wake();
    if (browser.navigator?.onLine === false) this.#connection.reconnect();
  };
}

/** `crypto.randomUUID` is missing on pages without TLS. */
const randomKey = (): string => crypto.getRandomValues(new Uint32Array(4)).join('-');
