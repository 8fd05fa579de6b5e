import type { Abortable, Nullable, SeqIdLike, Timeline } from '../../src/index.js';
import type { Authorize } from './authorize.js';
import type { Device, DeviceOptions, ListedDevice } from './device.js';
import type { ConversationSettings, Stored } from './entries.js';
import type { ConversationSummary, ListOptions, UnreadTotals } from './list.js';
import type { MessagePage, MessagesOptions } from './message-page.js';
import type { OutgoingMessage, OutgoingSignal, Sent } from './messages.js';

/** Sends messages to conversations and syncs them to the members' devices. */
export interface MessageSync<M> extends AsyncDisposable {
  /** Decides about actions of users, as given on opening. Absent: everything is allowed. */
  readonly authorize?: Authorize;
  /**
   * Stores a message and starts its fan-out. Resolves once it is stored. Another message with the same key rejects with
   * `TIMELINE_KEY_CONFLICT`. After `TIMELINE_OUTCOME_UNKNOWN` or `TIMELINE_ABORTED`, send it again with the same key.
   *
   * @example
   * const { seqId, delivered } = await sync.send({ conversation: 'team', sender: 'ann', body, key: clientMessageId });
   * await delivered;
   */
  send(message: Nullable<OutgoingMessage<M>>, options?: Nullable<Abortable> | null): Promise<Sent>;
  /**
   * Changes a message everywhere. Resolves as {@link send} does. Rejects with `TIMELINE_NOT_FOUND` if there is none, or
   * it was recalled; with `TIMELINE_UNSUPPORTED` if the store library lacks the capability `update`. `by` is the user
   * who edits: authorized, stored, and shown to devices.
   */
  edit(
    conversation: string,
    seqId: SeqIdLike,
    body: M,
    options?: Nullable<{ readonly key?: string | undefined; readonly by?: string | undefined }> | null,
  ): Promise<Sent>;
  /**
   * Recalls a message and removes its body everywhere. Idempotent: the first recall stands, with its `by`. Rejects with
   * `TIMELINE_NOT_FOUND` if there is none, and with `TIMELINE_UNSUPPORTED` as {@link edit} does.
   */
  recall(
    conversation: string,
    seqId: SeqIdLike,
    options?: Nullable<{ readonly by?: string | undefined }> | null,
  ): Promise<Sent>;
  /**
   * Makes users members from here on. Resolves once the join is stored; `delivered` once it is in force. `by` is the
   * user who adds them. With a `key`, the call may be repeated: the join is stored once. Rejects with
   * `TIMELINE_UNSUPPORTED` if the directory has no `apply`.
   *
   * @example
   * const { delivered } = await sync.join('team', ['ann', 'bob']);
   * await delivered;
   */
  join(
    conversation: string,
    users: string | readonly string[],
    options?: Nullable<MemberChangeOptions> | null,
  ): Promise<Sent>;
  /** Ends memberships: later messages no longer reach these users. Resolves and repeats as {@link join} does. */
  leave(
    conversation: string,
    users: string | readonly string[],
    options?: Nullable<MemberChangeOptions> | null,
  ): Promise<Sent>;
  /** Resolves with `true` if the user is a member. A join or leave counts once it is `delivered`. */
  isMember(conversation: string, user: string): Promise<boolean>;
  /** Resolves with `true` if the user was a member and has left. Needs a directory that keeps memberships. */
  wasMember(conversation: string, user: string): Promise<boolean>;
  /**
   * Lists the members.
   *
   * @example
   * for await (const user of sync.members('team')) show(user);
   */
  members(conversation: string): AsyncIterable<string>;
  /**
   * Reads a page of a conversation's messages as devices show them: with edits and recalls applied, and without the
   * entries between messages. Start without a position, and continue with `before`, or `after`, of the page.
   *
   * @example
   * const newest = await sync.messages('team', { user: 'ann' });
   * if (newest.before) show(await sync.messages('team', { user: 'ann', before: newest.before }));
   */
  messages(conversation: string, options?: Nullable<MessagesOptions> | null): Promise<MessagePage<M>>;
  /** Returns the Timeline of a conversation, to be read in both directions from any position. */
  history(conversation: string): Timeline<Stored<M>>;
  /**
   * Passes a value to the subscribed devices of the members, as a message of kind `signal`: typing, presence. Nothing
   * is stored, and it has no order relative to messages. It may be lost: a subscription keeps the newest 64 that its
   * reader has not taken. The devices of `from` get it too. Costs one publication for each member. `from` has to be a
   * member. Rejects with `TIMELINE_FORBIDDEN` if not, with `TIMELINE_TOO_LARGE` if the JSON of `body` is longer than 16
   * KiB, and with `TIMELINE_UNSUPPORTED` if the sync library lacks the capability `signals`.
   *
   * @example
   * await sync.signal('team', { from: 'ann', body: { typing: true } });
   */
  signal(conversation: string, signal: OutgoingSignal): Promise<void>;
  /** Returns a device of a user. Does no I/O. */
  device(user: string, device: string, options?: Nullable<DeviceOptions> | null): Device<M>;
  /**
   * Lists the devices of a user that have a stored position, the one seen last first. A device has one from its first
   * acknowledgement on, or from its first pull if it starts with `now` or `{ last }`. Idle devices are forgotten
   * before; see {@link SyncOptions.deviceTtlMs}.
   */
  devices(user: string): AsyncIterable<ListedDevice>;
  /**
   * Removes everything that is stored of a device. If it comes back, it starts as a new one, and `ack` refuses its
   * earlier cursors. Idempotent; a device that has no position is none.
   */
  forgetDevice(user: string, device: string): Promise<void>;
  /**
   * Lists a user's conversations: pinned ones first, then the one with the newest message. Archived ones are among
   * them. Reads messages only of the conversations that it yields.
   *
   * @example
   * for await (const { conversation, last, unread, capped } of sync.conversations('ann', { limit: 20, atMost: 99 }))
   *   show(conversation, last, capped ? `${unread}+` : unread);
   */
  conversations(user: string, options?: Nullable<ListOptions> | null): AsyncIterable<ConversationSummary<M>>;
  /** Resolves with the summary of one conversation as `conversations` lists it; `undefined` if it does not. */
  conversation(user: string, conversation: string): Promise<ConversationSummary<M> | undefined>;
  /**
   * Yields the new summary of a conversation after each message, edit, recall, join, leave, read position or setting
   * that changes it, until `signal` or `close` ends it. Several changes of a conversation may come as one. Call it
   * before `conversations`: no change is missed between the two.
   *
   * @example
   * const changes = sync.conversationChanges('ann', { signal });
   * for await (const summary of sync.conversations('ann', { limit: 20 })) show(summary);
   * for await (const summary of changes) summary.left ? remove(summary.conversation) : show(summary);
   */
  conversationChanges(user: string, options?: Nullable<Abortable> | null): AsyncIterable<ConversationSummary<M>>;
  /**
   * Counts the unread messages of all conversations that are neither muted nor archived. `atMost` is 999 by default.
   *
   * @example
   * const { messages, capped } = await sync.unread('ann', { atMost: 99 });
   * setBadge(capped ? `${messages}+` : String(messages));
   */
  unread(user: string, options?: Nullable<{ readonly atMost?: number | undefined }> | null): Promise<UnreadTotals>;
  /**
   * Changes a user's settings of a conversation, and tells the user's devices. What is left out stays as it is; of two
   * calls that change the same setting the later one counts.
   *
   * @example
   * await sync.configure('ann', 'team', { muted: true });
   */
  configure(user: string, conversation: string, settings: Nullable<Partial<ConversationSettings>>): Promise<void>;
  /** Returns read positions of a conversation, of the members by default; 0n for none. In JSON an object by name. */
  readPositions(conversation: string, users?: readonly string[] | null): Promise<Map<string, bigint>>;
  /**
   * Advances a user's read position, and tells the user's devices. The position never moves back: resolves with the one
   * in force. Rejects with `TIMELINE_INVALID_ARGUMENT` if the conversation does not reach as far.
   */
  markRead(user: string, conversation: string, seqId: SeqIdLike): Promise<bigint>;
  /**
   * Finishes the fan-outs that other processes, dead or alive, have not, and resolves once their messages are
   * delivered. `resumed` counts the conversations that were behind. Looks at conversations that a process has noted;
   * with `all`, at every conversation of the store library (needs the capability `timelines`). Each process does that
   * once a day.
   */
  recover(options?: Nullable<{ readonly all?: boolean | undefined }> | null): Promise<{ readonly resumed: number }>;
  /** Finishes the fan-outs under way. Closes the libraries if `openMessageSync` opened them. Idempotent. */
  close(): Promise<void>;
}

/** Options of {@link MessageSync.join} and {@link MessageSync.leave}. */
export interface MemberChangeOptions {
  /** Name of the user who adds or removes the others: authorized, and stored. Default: the server itself. */
  readonly by?: string | undefined;
  /** The client's id of this call: repeated with it, from any process, it is stored once. At most 1000 bytes. */
  readonly key?: string | undefined;
}
