/** One conversation in a user's list. */
export interface ConversationSummary<M> {
  /** Name of the conversation. */
  readonly conversation: string;
  /** The newest message that the user sees; without `body` if it was recalled. */
  readonly last?: { readonly seqId: bigint; readonly sender: string; readonly body?: M; readonly sentAt: number };
  /** Last SeqId of the conversation, of an entry of any kind. */
  readonly lastSeqId: bigint;
  /** The user's read position; 0n for none. */
  readonly readSeqId: bigint;
  /** The number of messages of others after `readSeqId`, without recalled ones. */
  readonly unread: number;
  /** Plain data for JSON, with SeqIds as decimal strings. */
  toJSON(): unknown;
}
