import type { WireMessage, WireSeqId, WireSettings, WireTruncated } from './messages.js';
import type { Problem } from './problem.js';

/**
 * Answer to a send (201; 200 if `duplicate`), edit or recall (200), join or leave (200; 202: stored, but not in force
 * yet). `seqId` is that of the new entry.
 */
export interface SentAnswer {
  /** SeqId of the entry in the conversation. */
  readonly seqId: WireSeqId;
  /** An earlier call with the same key has stored it. */
  readonly duplicate: boolean;
}

/** Answer to `POST /conversations/:id/batch`. If none is stored, the answer is the problem of the first message. */
export interface BatchAnswer {
  /**
   * Outcomes of messages, in their order. Fewer than were sent: the rest is not stored, because there are too many for
   * `sendsPerSecond`, or because the last outcome is a failure that may pass. Send the rest again.
   */
  readonly outcomes: readonly BatchOutcome[];
}

/** Outcome of one message of a batch. */
export type BatchOutcome =
  | SentAnswer
  | {
      /** Reason why it is not stored. */
      readonly problem: Problem;
    };

/**
 * Answer to `GET /conversations/:id/messages?before=&after=&limit=&asOf=`. `before` and `after` take a cursor or a
 * SeqId. `asOf`: the highest SeqId of the conversation that the client knows of; a page that cannot grow is then
 * immutable for caches, as its address changes with each entry of the conversation.
 */
export interface HistoryPage<M> {
  /** Oldest first, with edits and recalls applied. */
  readonly messages: readonly WireMessage<M>[];
  /** Next `before`. Absent: the user sees no older ones. */
  readonly before?: string;
  /** Next `after`. */
  readonly after: string;
  /** The user sees no newer ones. */
  readonly upToDate: boolean;
  /** Messages next to the page, up to this SeqId, were trimmed or have expired. */
  readonly truncated?: { readonly through: WireSeqId };
}

/** Answer to `GET /pull?after=&limit=`. The position is kept as in a stream; see {@link MessageFrame}. */
export interface PulledPage<M> {
  /** Messages after the position. */
  readonly messages: readonly WireMessage<M>[];
  /** Next `after`, or what the client acknowledges. */
  readonly cursor: string;
  /** Nothing was left after this page. */
  readonly upToDate: boolean;
  /** The page and what follows replace all that the client shows. */
  readonly resynced: boolean;
  /** Conversations that lost entries before this client got them. */
  readonly truncated?: readonly WireTruncated[];
}

/** One conversation of `GET /conversations`, and the answer to `GET /conversations/:id`. */
export interface WireSummary<M> {
  /** Name of the conversation. */
  readonly conversation: string;
  /** The newest message that the user sees, of those that are counted. */
  readonly last?: {
    /** SeqId of the message. */
    readonly seqId: WireSeqId;
    /** Name of the user who sent it. */
    readonly sender: string;
    /** The body of its newest edit. Absent if it was recalled. */
    readonly body?: M;
    /** Milliseconds since 1970. */
    readonly sentAt: number;
    /** It was edited. */
    readonly edited?: true;
    /** It was recalled. */
    readonly recalled?: true;
  };
  /** Last SeqId of the conversation, of an entry of any kind. */
  readonly lastSeqId: WireSeqId;
  /** The user's read position; `0` for none. */
  readonly readSeqId: WireSeqId;
  /** Messages of others after `readSeqId`. */
  readonly unread: number;
  /** Of these, those that mention the user. */
  readonly mentions: number;
  /** `unread` is a lower bound. */
  readonly capped: boolean;
  /** The user's settings. */
  readonly settings: WireSettings;
  /** Continues the list behind this conversation. */
  readonly next: string;
}

/** Answer to `GET /conversations?limit=&after=`. */
export interface ConversationsPage<M> {
  /** Pinned ones first, then the one with the newest message. */
  readonly conversations: readonly WireSummary<M>[];
  /** Next `after`. Absent: there are no more. */
  readonly next?: string;
}

/** Answer to `GET /unread`. */
export interface UnreadAnswer {
  /** Unread messages of all conversations that are neither muted nor archived. */
  readonly messages: number;
  /** Of these, those that mention the user. */
  readonly mentions: number;
  /** Conversations with unread messages. */
  readonly conversations: number;
  /** The numbers are lower bounds. */
  readonly capped: boolean;
}

/** Answer to `PUT /conversations/:id/read`. */
export interface ReadAnswer {
  /** The position in force: it never moves back. */
  readonly readSeqId: WireSeqId;
}

/** Answer to `GET /conversations/:id/members`. */
export interface MembersAnswer {
  /** Names of the members. */
  readonly members: readonly string[];
  /** `false`: there are more members than the gateway lists. */
  readonly complete: boolean;
}

/** Answer to `GET /conversations/:id/read`: how far members have read, those who have not read anything left out. */
export interface ReadPositionsAnswer {
  /** Names and read positions of members. */
  readonly positions: readonly { readonly user: string; readonly seqId: WireSeqId }[];
  /** `false`: there are more members than the gateway lists. */
  readonly complete: boolean;
}

/** Answer to `GET /devices`. */
export interface DevicesAnswer {
  /** Those with a stored position, the one seen last first. `lastSeenAt`: milliseconds since 1970. */
  readonly devices: readonly { readonly device: string; readonly lastSeenAt: number }[];
}
