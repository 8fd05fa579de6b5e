import type { Frame } from '../http/protocol.js';
import { createBackoff } from './backoff.js';
import { ChatError, closedError, invalidArgument, unavailable } from './chat-error.js';
import { type ConnectionHost, stayConnected } from './connection.js';
import { createEvents } from './events.js';
import { createOutbox, type OutboxHost } from './outbox.js';
import type { OutboxChange } from './outgoing-item.js';
import { createRequests } from './requests.js';
import { entryOfItem, shownOf } from './shown-message.js';
import { transportsOf } from './transports.js';
import type { ChatClient, ChatEntry, ChatOptions, ChatState, Outgoing, SendOptions, StoredOutgoing } from './types.js';
import type { ViewsHost } from './views.js';
import { createViewsOnDemand } from './views-on-demand.js';
import { entryOf } from './wire.js';

/** Of a browser; Node has neither. */
const browser = globalThis as {
  addEventListener?: (type: string, listener: () => void, options: { readonly signal: AbortSignal }) => void;
  navigator?: { readonly onLine?: boolean };
};

/** A value that one tab tells the others: a change, or the state of the tab that leads. Without either, a question. */
interface TabMessage<M> {
  readonly change?: OutboxChange;
  readonly frame?: Frame<M> | undefined;
  readonly state?: ChatState;
  readonly user?: string | undefined;
  readonly cursor?: string | undefined;
}

/** All that the parts of the chat use. */
type Host<M> = ConnectionHost<M> & OutboxHost<M> & ViewsHost<M>;

/**
 * Connects to a gateway of `timeline-model/http` and stays connected until it is closed. `url` is the address of the
 * gateway, with its `basePath`. Throws a `ChatError` if an argument is invalid.
 *
 * @example
 * const chat = connectChat<{ text: string }>('https://chat.example.com', { device: 'laptop', token: () => session() });
 * const team = chat.conversation('team');
 * team.subscribe(() => show(team.messages));
 * chat.send('team', { text: 'lunch?' });
 */
export function connectChat<M>(url: string, options: ChatOptions = {}): ChatClient<M> {
  const closing = new AbortController();
  const closed = closing.signal;
  const { on, events, emit } = createEvents<M>();
  const opening = options.storage?.open();
  /** By conversation, kind and sender, the SeqId of the last entry: the rest of a page comes again after a cut. */
  const seen = new Map<string, bigint>();
  let state: ChatState = 'offline';
  /** This tab is the one that is connected. */
  let isLeading = false;

  const post = (message: TabMessage<M>) => host.storage?.tabs?.post(message);
  const tell = (frame?: Frame<M>) => {
    if (isLeading) post({ frame, state, user: host.user, cursor: host.cursor });
  };

  const isNew = ({ conversation, kind, sender, entrySeqId }: ChatEntry<M>) => {
    const name = JSON.stringify([conversation, kind, sender]);
    if (entrySeqId <= (seen.get(name) ?? -1n)) return false;
    seen.set(name, entrySeqId);
    return true;
  };

  const begin = () => {
    if (host.isBegun) return;
    host.isBegun = true;
    views.loaded?.load();
  };

  const host = {
    ...{ options, closed, entryOf, entryOfItem, shownOf, isBegun: false },
    fail: (error) => emit('error', error instanceof ChatError ? error : new ChatError(error)),
    reconnect: () => {},
    enter: (next) => {
      if (state === 'closed' || state === next) return;
      state = next;
      tell();
      emit('state', state);
    },
    receive: (frame) => {
      const { event, data } = frame;
      if (event === 'ready') {
        host.user = data.user;
        if (isLeading) outbox.start();
        host.wake();
      } else if (event === 'resync') host.beginAnew();
      else if (event === 'message' || event === 'signal') {
        const { truncated } = data;
        if (truncated) {
          // Entries are gone that this device was to get.
          host.isBegun = false;
          emit(
            'truncated',
            truncated.map(({ conversation, through }) => ({ conversation, through: BigInt(through) })),
          );
        }
        if (event === 'signal') emit(event, data);
        else {
          const entry = entryOf(data);
          if (isNew(entry)) {
            views.loaded?.fold(entry);
            emit(event, entry);
          }
        }
        begin();
      } else if (event === 'caught-up') begin();
      if ('id' in frame) host.cursor = frame.id;
      tell(frame);
    },
    beginAnew: () => {
      host.isBegun = false;
      seen.clear();
      emit('resync', undefined);
    },
    changed: (item, seqId) => {
      views.changed(item, seqId);
      emit('outgoing', item);
    },
    send: (conversation) => views.send(conversation),
    share: (change) => post({ change }),
  } as Partial<Host<M>> as Host<M>;
  Object.assign(host, createBackoff(host));
  Object.assign(host, createRequests(url, host));
  const transports = transportsOf<M>(host);
  if (!url || transports.length === 0) throw invalidArgument('needs a url, and a WebSocket if chosen');
  const outbox = createOutbox<M>(host);
  host.outbox = outbox;
  const views = createViewsOnDemand<M>(host);

  /** Something from another tab. */
  const hear = ({ change, frame, state: other, user, cursor }: TabMessage<M>) => {
    if (change) outbox.apply(change);
    else if (isLeading) {
      if (!other) tell();
    } else if (other) {
      host.user = user;
      if (frame) host.receive(frame);
      host.cursor = cursor;
      host.enter(other);
      if (other === 'live') begin();
    }
  };

  const onNetwork = () => {
    host.wake();
    if (browser.navigator?.onLine === false) host.reconnect();
  };

  /** Opens the storage, waits for the lead of the tabs, and stays connected. */
  const start = async () => {
    try {
      host.storage = await opening;
      const lead = host.storage?.tabs?.join((message) => hear(message as TabMessage<M>));
      post({});
      await outbox.load();
      if (lead) {
        await lead;
        // What the tab that led has not passed on.
        await outbox.load();
        host.isBegun = false;
      }
    } catch (error) {
      host.fail(unavailable(error));
    }
    isLeading = true;
    for (const type of ['online', 'offline', 'visibilitychange'])
      browser.addEventListener?.(type, onNetwork, { signal: closed });
    await stayConnected(host, transports);
  };

  const add = (
    kind: StoredOutgoing['kind'],
    conversation: string,
    target: bigint | string | undefined,
    body?: M,
    { key = randomKey(), mentions, countable }: SendOptions = {},
  ): Outgoing<M> => {
    const text = JSON.stringify(body);
    if (!conversation || !/^\d+$/.test(String(target ?? 0)) || (kind !== 'recall' && !text))
      throw invalidArgument('needs a conversation, a SeqId in decimal and a body of JSON');
    if (closed.aborted) throw closedError();
    return outbox.add({
      ...{ kind, conversation, key, mentions, countable },
      target: target === undefined ? target : String(target),
      // The caller may change the object later.
      body: text && JSON.parse(text),
    });
  };

  void start();
  return {
    get state() {
      return state;
    },
    get user() {
      return host.user;
    },
    ...{ on, events, request: host.request },
    outbox: { subscribe: outbox.subscribe, getSnapshot: outbox.getSnapshot },
    ...{ conversation: views.conversation, conversations: views.conversations, unread: views.unread },
    send: (conversation, body, options) => add('send', conversation, options?.relatesTo, body, options),
    edit: (conversation, seqId, body, options) => add('edit', conversation, seqId, body, options),
    recall: (conversation, seqId) => add('recall', conversation, seqId),
    react: (conversation, relatesTo, body) => add('send', conversation, relatesTo, body, { countable: false }),
    configure: (conversation, settings) => host.ask('PUT', conversation, '/settings', settings),
    close: async () => {
      closing.abort();
      isLeading = false;
      host.reconnect();
      host.wake();
      outbox.close();
      host.enter('closed');
      (await opening?.catch(() => undefined))?.close();
    },
  };
}

/** `crypto.randomUUID` is missing on pages without TLS. */
const randomKey = (): string => crypto.getRandomValues(new Uint32Array(4)).join('-');
