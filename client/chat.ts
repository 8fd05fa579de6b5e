import type { Frame, WireTruncated } from '../http/protocol.js';
import { createBackoff } from './backoff.js';
import { closedError, invalidArgument, unavailable } from './chat-error.js';
import { type ConnectionHost, createConnection } from './connection.js';
import { type Conversation, type ConversationHost, createConversation } from './conversation.js';
import { createList } from './conversation-list.js';
import { type Core, untilAnswered } from './core.js';
import { createEvents } from './events.js';
import type { ListHost } from './list-state.js';
import { createOutbox, type OutboxHost } from './outbox.js';
import type { OutboxChange } from './outgoing-item.js';
import { createRequests } from './requests.js';
import { createSeenEntries } from './seen-entries.js';
import type { Transport } from './transport.js';
import type { ChatClient, ChatOptions, ChatState, OpenChatStorage, Outgoing, StoredOutgoing } from './types.js';
import { entryOf, pathOf } from './wire.js';

/** Of a browser; Node has neither. */
const browser = globalThis as {
  addEventListener?: (type: string, listener: () => void, options: { readonly signal: AbortSignal }) => void;
  navigator?: { readonly onLine?: boolean };
};

/** A value that one tab tells the others: something that arrived, a change of the outbox, its state, or a question. */
interface TabMessage<M> {
  readonly frame?: Frame<M>;
  readonly change?: OutboxChange;
  readonly state?: ChatState;
  readonly user?: string | undefined;
  readonly cursor?: string | undefined;
}

/** All that the parts of the chat use. */
type Host<M> = ConnectionHost<M> &
  ConversationHost<M> &
  OutboxHost<M> &
  ListHost & { isBegun: boolean; user: string | undefined };

/** A user's chat: what arrives goes to the conversations and the list, what is sent to the outbox. */
export function createChat<M>(
  url: string,
  options: ChatOptions,
  transportsOf: (core: Core) => readonly Transport<M>[],
): ChatClient<M> {
  const closing = new AbortController();
  const closed = closing.signal;
  const backoff = createBackoff(options);
  const requests = createRequests(url, options, closed);
  const { on, events, emit } = createEvents<M>();
  const seen = createSeenEntries();
  const opened = new Map<string, Conversation<M>>();
  let state: ChatState = 'offline';
  let storage: OpenChatStorage | undefined;
  /** This tab is the one that is connected. */
  let isLeading = false;

  const post = (message: TabMessage<M>) => storage?.tabs?.post(message);
  const tellState = () => post({ state, user: host.user, cursor: host.cursor });
  const fail: Core['fail'] = (error) => emit('error', error);

  const enter = (next: ChatState) => {
    if (state === 'closed' || state === next) return;
    state = next;
    if (isLeading) tellState();
    emit('state', state);
  };

  /** Reads everything that is shown. */
  const load = () => {
    for (const conversation of opened.values()) conversation.load();
    list.state?.load();
  };

  const begin = () => {
    if (host.isBegun) return;
    host.isBegun = true;
    load();
  };

  const refresh = (isAnew: boolean) => {
    if (host.isBegun) load();
    if (!isAnew) return;
    seen.forgetAll();
    emit('resync', undefined);
  };

  /** Entries are gone that this device was to get. */
  const tellTruncated = (truncated: readonly WireTruncated[] | undefined) => {
    if (!truncated) return;
    refresh(false);
    const told = truncated.map(({ conversation, through }) => ({ conversation, through: BigInt(through) }));
    emit('truncated', told);
  };

  const receive = (frame: Frame<M>) => {
    if (isLeading) post({ frame });
    const { event, data } = frame;
    if (event === 'ready') {
      host.user = data.user;
      if (isLeading) outbox.start();
      backoff.wake();
    } else if (event === 'signal') {
      const { truncated, sentAt, ...signal } = data;
      tellTruncated(truncated);
      emit(event, signal);
    } else if (event === 'resync') refresh(true);
    else if (event === 'message') {
      const { truncated, ...message } = data;
      tellTruncated(truncated);
      const entry = entryOf(message);
      if (seen.isNew(entry)) {
        opened.get(entry.conversation)?.fold(entry);
        list.state?.fold(entry);
        emit(event, entry);
      }
    }
    if (event === 'message' || event === 'caught-up') {
      begin();
      host.cursor = frame.id ?? host.cursor;
    }
  };

  const host: Host<M> = {
    ...backoff,
    ...requests,
    ...{ options, closed, fail, pathOf, enter, receive, refresh },
    ...{ user: undefined, cursor: undefined, isBegun: false },
    untilAnswered: (request) => untilAnswered(host, request),
    get storage() {
      return storage;
    },
    get outbox() {
      return outbox;
    },
    changed: (item, seqId) => {
      opened.get(item.conversation)?.changed(item, seqId);
      emit('outgoing', item);
    },
    answered: (conversation) => opened.get(conversation)?.answered(),
    share: (change) => post({ change }),
    markedRead: (conversation, seqId) => list.state?.markedRead(conversation, seqId),
    listed: (conversation, seqId) =>
      opened.get(conversation)?.fold({ kind: 'read', conversation, seqId, entrySeqId: seqId, sender: '', sentAt: 0 }),
  };
  const outbox = createOutbox(host);
  const list = createList<M>(host);
  const connection = createConnection(host, transportsOf(host));

  /** Something from another tab. */
  const hear = ({ frame, change, state: other, user, cursor }: TabMessage<M>) => {
    if (change) outbox.apply(change);
    else if (isLeading) {
      if (!frame && !other) tellState();
    } else if (frame) receive(frame);
    else if (other) {
      host.user ??= user;
      host.cursor ??= cursor;
      enter(other);
      if (other === 'live') begin();
    }
  };

  const onNetwork = () => {
    backoff.wake();
    if (browser.navigator?.onLine === false) connection.reconnect();
  };

  /** Opens the storage, waits for the lead of the tabs, and stays connected. */
  const start = async () => {
    try {
      storage = await options.storage?.open();
      closed.addEventListener('abort', () => storage?.close());
      if (closed.aborted) storage?.close();
      const lead = storage?.tabs?.join((message) => hear(message as TabMessage<M>));
      post({});
      await outbox.load();
      await lead;
      // What the tab that led has not passed on.
      if (lead) await outbox.load();
    } catch (error) {
      fail(unavailable(error));
    }
    if (closed.aborted) return;
    isLeading = true;
    refresh(false);
    for (const type of ['online', 'offline']) browser.addEventListener?.(type, onNetwork, { signal: closed });
    await connection.run();
  };

  const add = (draft: Omit<StoredOutgoing, 'order' | 'at' | 'key'>, key = randomKey()): Outgoing<M> => {
    const { conversation, kind, body, target = '0' } = draft;
    const text = JSON.stringify(body);
    if (!conversation || !/^\d+$/.test(target) || (kind !== 'recall' && text === undefined))
      throw invalidArgument('needs a conversation, a SeqId in decimal and a body of JSON');
    if (closed.aborted) throw closedError();
    // The caller may change the object later.
    return outbox.add({ ...draft, key, ...(text && { body: JSON.parse(text) }) });
  };

  const send: ChatClient<M>['send'] = (conversation, body, { key, relatesTo, mentions, countable } = {}) =>
    add(
      {
        ...{ kind: 'send', conversation, body },
        ...(relatesTo !== undefined && { target: String(relatesTo) }),
        ...(mentions && { mentions }),
        ...(countable === false && { countable }),
      },
      key,
    );

  void start();
  return {
    get state() {
      return state;
    },
    get user() {
      return host.user;
    },
    ...{ on, events, send, conversations: list.conversations, unread: list.unread },
    outbox: { getSnapshot: outbox.observed.getSnapshot, subscribe: outbox.observed.subscribe },
    edit: (conversation, seqId, body, { key } = {}) =>
      add({ kind: 'edit', conversation, body, target: String(seqId) }, key),
    recall: (conversation, seqId) => add({ kind: 'recall', conversation, target: String(seqId) }),
    react: (conversation, relatesTo, body) => send(conversation, body, { relatesTo, countable: false }),
    conversation: (id) => {
      const found = opened.get(id) ?? createConversation<M>(id, host);
      opened.set(id, found);
      return found;
    },
    configure: (conversation, settings) => requests.json(pathOf(conversation, '/settings'), 'PUT', settings),
    request: (method, path, body) => requests.json(path, method, body),
    close: async () => {
      closing.abort();
      backoff.wake();
      outbox.close();
      enter('closed');
    },
  };
}

/** `crypto.randomUUID` is missing on pages without TLS. */
const randomKey = (): string => crypto.getRandomValues(new Uint32Array(4)).join('-');
