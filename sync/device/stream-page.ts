import type { Cursor } from '../../src/index.js';
import type { TruncatedConversation } from '../types.js';
import type { ConversationPosition } from './conversation-position.js';
import type { DeviceMessage } from './device-message.js';

/** A position in the merged stream of one device. */
export interface StreamPosition {
  /** `undefined`: the oldest entry kept; 0n: before the first entry ever. */
  inbox: Cursor | bigint | undefined;
  /** The one that changed last comes last. */
  readonly conversations: Map<string, ConversationPosition>;
  /** The last change was in the inbox: of pages with room for one message, the next one is of a conversation. */
  isInboxLast: boolean;
  /** From here on, markers in the inbox lead to each conversation that has to be followed. */
  isComplete: boolean;
}

/** A change of the device's position: in its inbox, in one conversation, or that it became complete. */
export type PositionChange =
  | { readonly inbox: Cursor }
  | { readonly isComplete: true }
  | { readonly conversation: string; readonly position: ConversationPosition };

/** A message of the merged stream, before its body is resolved and its cursor made. */
export interface StreamMessage<M> {
  readonly message: DeviceMessage<M>;
  /** The body has to be looked up in the conversation. */
  readonly isReference: boolean;
  /** It comes from the conversation's own Timeline, not from the inbox. */
  readonly isFromConversation: boolean;
  /** For `read` and `receipt`: the position that was read up to. */
  readonly readPosition?: Cursor;
  /** The number of changes of the page that acknowledging this message includes. */
  readonly changeCount: number;
}

/** Entries that the device was to get and that are gone. */
export interface Loss extends Omit<TruncatedConversation, 'toJSON'> {
  /** The number of changes of the page up to here: messages that include fewer come before the loss. */
  readonly changeCount: number;
}

/** The page of a device that has to resync. */
export const BEHIND: StreamPage<never> = { messages: [], changes: [], losses: [], upToDate: false, isBehind: true };

export interface StreamPage<M> {
  readonly messages: readonly StreamMessage<M>[];
  readonly changes: readonly PositionChange[];
  readonly losses: readonly Loss[];
  readonly upToDate: boolean;
  /** Inbox entries after the position have expired or do not decode. The page is empty; the device has to resync. */
  readonly isBehind: boolean;
}
