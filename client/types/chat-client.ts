import type { ChatConversation } from './conversation.js';
import type { ChatSettings } from './entries.js';
import type { ChatEvent, ChatEvents } from './events.js';
import type { ChatConversations, ChatUnread } from './lists.js';
import type { Observable } from './observable.js';
import type { ChatState } from './options.js';
import type { Outgoing, SendOptions } from './outgoing.js';

/** A user's chat on one device. */
export interface ChatClient<M> {
  /** The state of the connection. */
  readonly state: ChatState;
  /** Name of the user, as the server knows it by the token. Absent before the first connection. */
  readonly user: string | undefined;
  /** The user's conversations. */
  readonly conversations: ChatConversations<M>;
  /** The totals of unread messages. */
  readonly unread: Observable<ChatUnread>;
  /** Everything that is pending or failed, in the order of the calls. */
  readonly outbox: Observable<readonly Outgoing<M>[]>;
  /**
   * Calls the listener at each event of this name, until the returned function is called.
   *
   * @example
   * const off = chat.on('message', ({ conversation, sender, body }) => notify(conversation, sender, body));
   */
  on<K extends keyof ChatEvents<M>>(event: K, listener: (value: ChatEvents<M>[K]) => void): () => void;
  /**
   * Yields every event from now on, until the client is closed or the loop ends. Events wait in memory for the loop.
   *
   * @example
   * for await (const { type, value } of chat.events()) if (type === 'state') console.log(value);
   */
  events(): AsyncIterable<ChatEvent<M>>;
  /**
   * Shows a message at once, and sends it as soon as there is a connection: once, and those of a conversation in the
   * order of the calls. Throws a `ChatError` if the client is closed or an argument is invalid.
   *
   * @example
   * const { sent } = chat.send('team', { text: 'lunch?' });
   * const seqId = await sent;
   */
  send(conversation: string, body: M, options?: SendOptions): Outgoing<M>;
  /** Changes an own message: shown at once, and sent in turn as `send` does. */
  edit(conversation: string, seqId: bigint | string, body: M, options?: { readonly key?: string }): Outgoing<M>;
  /** Takes a message back: shown at once, and sent in turn as `send` does. */
  recall(conversation: string, seqId: bigint | string): Outgoing<M>;
  /**
   * Sends a message that relates to another one and is not counted. Of each sender the newest one is shown: a body that
   * says so takes a reaction back, and so does `recall`.
   *
   * @example
   * chat.react('team', message.seqId, { emoji: '👍' });
   */
  react(conversation: string, seqId: bigint | string, body: M): Outgoing<M>;
  /**
   * Returns the messages of a conversation, always the same object for a name. The first call loads the newest page as
   * soon as there is a connection.
   */
  conversation(id: string): ChatConversation<M>;
  /** Changes the user's settings of a conversation. Rejects with the error of the request. */
  configure(conversation: string, settings: Partial<ChatSettings>): Promise<void>;
  /**
   * Sends a request to another route of the gateway, with the token, and resolves with the answer's JSON. Rejects with
   * a `ChatError`. `path` begins with `/`.
   *
   * @example
   * await chat.request('POST', `/conversations/${encodeURIComponent('team')}/members`, { users: ['eve'] });
   */
  request(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Ends the connection and all requests. Unsent messages stay in the storage; without one they are lost. */
  close(): Promise<void>;
}
