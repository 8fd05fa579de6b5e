import type { Abortable, Timeline } from '../../src/index.js';
import type { Device, DeviceOptions } from './device.js';
import type { Stored } from './entries.js';
import type { ConversationSummary } from './list.js';
import type { OutgoingMessage, Sent } from './messages.js';

/** Sends messages to conversations and syncs them to the members' devices. */
export interface MessageSync<M> extends AsyncDisposable {
  /**
   * Stores a message and starts its fan-out. Resolves once it is stored. Another message with the same key rejects with
   * `TIMELINE_KEY_CONFLICT`. After `TIMELINE_OUTCOME_UNKNOWN` or `TIMELINE_ABORTED`, send it again with the same key.
   *
   * @example
   * const { seqId, delivered } = await sync.send({ conversation: 'team', sender: 'ann', body, key: clientMessageId });
   * await delivered;
   */
  send(message: OutgoingMessage<M>, options?: Abortable): Promise<Sent>;
  /**
   * Changes a message everywhere. Resolves as {@link send} does. Rejects with `TIMELINE_NOT_FOUND` if there is none, or
   * it was recalled; with `TIMELINE_UNSUPPORTED` if the store library lacks the capability `update`.
   */
  edit(conversation: string, seqId: bigint, body: M, options?: { readonly key?: string | undefined }): Promise<Sent>;
  /**
   * Recalls a message and removes its body everywhere. Idempotent. Rejects with `TIMELINE_NOT_FOUND` if there is none,
   * and with `TIMELINE_UNSUPPORTED` as {@link edit} does.
   */
  recall(conversation: string, seqId: bigint): Promise<Sent>;
  /**
   * Makes users members from here on. Resolves once the join is stored; `delivered` once it is in force. Rejects with
   * `TIMELINE_UNSUPPORTED` if the directory has no `apply`.
   *
   * @example
   * const { delivered } = await sync.join('team', ['ann', 'bob']);
   * await delivered;
   */
  join(conversation: string, users: string | readonly string[]): Promise<Sent>;
  /** Ends memberships: later messages no longer reach these users. Resolves as {@link join} does. */
  leave(conversation: string, users: string | readonly string[]): Promise<Sent>;
  /** Returns the Timeline of a conversation, to be read in both directions from any position. */
  history(conversation: string): Timeline<Stored<M>>;
  /** Returns a device of a user. Does no I/O. */
  device(user: string, device: string, options?: DeviceOptions): Device<M>;
  /**
   * Lists a user's conversations, the one with the newest message first.
   *
   * @example
   * for await (const { conversation, last, unread } of sync.conversations('ann')) show(conversation, last, unread);
   */
  conversations(user: string): AsyncIterable<ConversationSummary<M>>;
  /**
   * Advances a user's read position, and tells the user's devices. The position never moves back: resolves with the one
   * in force. Rejects with `TIMELINE_INVALID_ARGUMENT` if the conversation does not reach as far.
   */
  markRead(user: string, conversation: string, seqId: bigint): Promise<bigint>;
  /**
   * Finishes the fan-outs that other processes, dead or alive, have not, and resolves once their messages are
   * delivered. `resumed` counts the conversations that were behind. Looks at conversations that a process has noted;
   * with `all`, at every conversation of the store library (needs the capability `timelines`). Each process does that
   * once a day.
   */
  recover(options?: { readonly all?: boolean | undefined }): Promise<{ readonly resumed: number }>;
  /** Finishes the fan-outs under way. The libraries stay open. Idempotent. */
  close(): Promise<void>;
}
