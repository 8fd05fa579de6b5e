/** A conversation whose entries were trimmed, or have expired, before a device got them. */
export interface TruncatedConversation {
  /** Name of the conversation. */
  readonly conversation: string;
  /** SeqId of the last entry that is gone. */
  readonly through: bigint;
  /** Plain data for JSON, with the SeqId as a decimal string. */
  toJSON(): unknown;
}
