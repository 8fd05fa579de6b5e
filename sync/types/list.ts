import type { Cursor } from '../../src/index.js';
import type { ConversationSettings } from './entries.js';

/** Options of `conversations`. */
export interface ListOptions {
  /** Maximum number of conversations. Default: all. */
  readonly limit?: number | undefined;
  /** Starts behind the summary with this `next`. Default: with the first. */
  readonly after?: Cursor | undefined;
  /** Counts unread messages of a conversation up to here. Default 999. */
  readonly atMost?: number | undefined;
}

/** One conversation in a user's list. */
export interface ConversationSummary<M> {
  /** Name of the conversation. */
  readonly conversation: string;
  /** The newest message that the user sees, of those that are counted. */
  readonly last?: LastMessage<M>;
  /** Last SeqId of the conversation, of an entry of any kind. */
  readonly lastSeqId: bigint;
  /** The user's read position; 0n for none. */
  readonly readSeqId: bigint;
  /** The number of messages of others after `readSeqId`, without recalled ones and those with `countable: false`. */
  readonly unread: number;
  /** Of the counted unread messages, the number of those that mention the user. */
  readonly mentions: number;
  /**
   * `true` if `unread` is a lower bound: there are more than `atMost`, or 5000 entries after `readSeqId` did not count.
   */
  readonly capped: boolean;
  /** The user's settings. */
  readonly settings: ConversationSettings;
  /** Continues the list behind this conversation; see {@link ListOptions}. */
  readonly next: Cursor;
  /** In `conversationChanges`: the user is no member any more. Remove the conversation from the list. */
  readonly left?: true;
  /** Plain data for JSON, with SeqIds as decimal strings. */
  toJSON(): unknown;
}

/** The last message of a conversation. */
export interface LastMessage<M> {
  /** SeqId of the message. */
  readonly seqId: bigint;
  /** Name of the user who sent it. */
  readonly sender: string;
  /** The body of its newest edit. Absent if it was recalled. */
  readonly body?: M;
  /** Milliseconds since 1970 at which it was sent. */
  readonly sentAt: number;
  /** It was edited. */
  readonly edited?: true;
  /** It was recalled. */
  readonly recalled?: true;
  /** Plain data for JSON, with SeqIds as decimal strings. */
  toJSON(): unknown;
}

/** Unread messages of a user in all conversations that are neither muted nor archived. */
export interface UnreadTotals {
  /** Unread messages, counted as in {@link ConversationSummary}. */
  readonly messages: number;
  /** Of these, the number of those that mention the user. */
  readonly mentions: number;
  /** The number of conversations with unread messages. */
  readonly conversations: number;
  /** `true` if the numbers are lower bounds: there are more than `atMost` messages, or a conversation is `capped`. */
  readonly capped: boolean;
}
