import type { Abortable, Cursor, SeqIdLike } from '../../src/index.js';
import type { ChatMessage } from './sync-message.js';

/** Options of {@link MessageSync.messages}. Without `before` and `after`: the newest messages. */
export interface MessagesOptions extends Abortable {
  /** Name of the user who reads: the page holds what this user may see. Default: everything. */
  readonly user?: string | undefined;
  /** The last messages before this cursor of the conversation, or SeqId. */
  readonly before?: Cursor | SeqIdLike | undefined;
  /** The first messages after this cursor of the conversation, or SeqId; together with `before`, only those before. */
  readonly after?: Cursor | SeqIdLike | undefined;
  /** Maximum number of messages. Default 50, at most 10,000. */
  readonly limit?: number | undefined;
}

/** Messages of one conversation, as devices show them. */
export interface MessagePage<M> {
  /** Oldest first. Each has the body of its newest edit, and none if it was recalled. */
  readonly messages: ChatMessage<M>[];
  /** Pass it as `before` to read older messages. Absent: the user sees no older ones. */
  readonly before?: Cursor;
  /** Pass it as `after` to read newer messages. */
  readonly after: Cursor;
  /** `true` if the user sees no newer messages. */
  readonly upToDate: boolean;
  /**
   * Messages that would precede the first one here were trimmed or have expired, up to this SeqId. With `after`:
   * some that follow it; else: all older ones.
   */
  readonly truncated?: { readonly through: bigint; toJSON(): unknown };
}
