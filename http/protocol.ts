import type { TimelineErrorCode } from '../src/index.js';

/**
 * All that goes over the wire between the gateway and its clients: types, and constants. SeqIds are decimal strings.
 * Ids in paths are encoded by `encodeURIComponent`. Bodies are JSON of type `application/json`.
 */

/** Header with the device's name, encoded by `encodeURIComponent`. Where none can be set: the parameter `device`. */
export const DEVICE_HEADER = 'x-device';
/** Header of a send, an edit or a change of members with the client's key. `key` of the body does the same. */
export const KEY_HEADER = 'idempotency-key';
/** Header of `GET /events` with the last `id` that the client has got. Goes before `after`. */
export const LAST_EVENT_ID_HEADER = 'last-event-id';
/** Media type of a {@link Problem}. */
export const PROBLEM_TYPE = 'application/problem+json';
/** WebSocket subprotocol. A client that offers `bearer.<token>` offers this one first: the server answers with it. */
export const SUBPROTOCOL = 'timeline-model';
/** Prefix of the WebSocket subprotocol that holds the token, in characters that a subprotocol may have. */
export const TOKEN_SUBPROTOCOL = 'bearer.';
/** Longest key of a client, in UTF-8 bytes. Keys of two users never meet. */
export const MAX_KEY_BYTES = 512;

/** Codes with which the server closes a WebSocket. Others (1001, 1006, 1011 …): connect again and go on. */
export const CLOSE_CODES = {
  /** Connect again and go on from the last position: the server shuts down, or the stream has reached its age. */
  resume: 4000,
  /** No user: get a token, then connect again. */
  unauthorized: 4001,
  /** This user, device or origin may not connect. */
  forbidden: 4003,
  /** The client did not read for too long. Connect again and go on from the last position. */
  slow: 4008,
  /** The position is not accepted, or no longer: begin again, with an empty `after` if the client keeps it. */
  positionRefused: 4010,
  /** The user has too many streams. Wait, then connect again. */
  tooMany: 4029,
  /** The client sent something that is no {@link ClientFrame}. Connecting again does not help. */
  malformed: 4400,
} as const;

/** A SeqId: a decimal string. */
export type WireSeqId = string;

/** Conversations that lost entries before the client got them, up to `through`. */
export interface WireTruncated {
  readonly conversation: string;
  readonly through: WireSeqId;
}

/** A user's settings of one conversation. */
export interface WireSettings {
  readonly muted: boolean;
  readonly archived: boolean;
  readonly pinned: boolean;
}

/**
 * A `SyncMessage` as JSON. Two with equal `conversation`, `kind`, `seqId`, `entrySeqId` and `sender` are the same:
 * `entrySeqId` is the entry itself, `seqId` the message that it concerns. The sender's key is not part of it: the
 * answer to the send has the `seqId` to look for.
 */
export interface WireMessage<M> {
  readonly conversation: string;
  /** SeqId of the message: for `edit` and `recall` of the one that changes, for `read`, `receipt` of the last read. */
  readonly seqId: WireSeqId;
  /** SeqId of this entry: of several edits of a message, and of several `settings`, the highest counts. */
  readonly entrySeqId: WireSeqId;
  readonly kind: 'message' | 'edit' | 'recall' | 'read' | 'receipt' | 'settings' | 'join' | 'leave';
  /** Sender of the message; for `receipt` the reader; for `read`, `settings` the user; for `join`, `leave` `by`. */
  readonly sender: string;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
  /** Of a `message` or `edit`, unless it was recalled or does not decode. */
  readonly body?: M;
  readonly by?: string;
  readonly countable?: false;
  readonly relatesTo?: WireSeqId;
  readonly mentions?: readonly string[];
  /** In history: the newest message of each sender that relates to this one, oldest first. */
  readonly related?: readonly WireMessage<M>[];
  readonly users?: readonly string[];
  readonly settings?: WireSettings;
  readonly recalled?: true;
  /** In history: the body is that of an edit. */
  readonly edited?: true;
  readonly undecodable?: true;
  /** In streams: the first message after a `resync` frame. */
  readonly resynced?: true;
  /** In streams: conversations that lost entries before this message. */
  readonly truncated?: readonly WireTruncated[];
}

/** A signal of a member; nothing of it is stored. */
export interface WireSignal {
  readonly conversation: string;
  /** Name of the member who sent it. */
  readonly from: string;
  readonly body: unknown;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
}

/**
 * A frame from the server. SSE: lines `event:`, `id:` and `data:` (JSON); the heartbeat is a comment. WebSocket: this
 * object as JSON.
 */
export type Frame<M> =
  | {
      /** First frame of each stream. */
      readonly event: 'ready';
      readonly data: {
        readonly user: string;
        /** Absent: the client named none. */
        readonly device?: string;
        /** Where the position is kept; see {@link MessageFrame}. */
        readonly position: 'server' | 'client';
        /** Something comes at least this often. Connect again after twice the time. */
        readonly heartbeatMs: number;
      };
    }
  | MessageFrame<M>
  | { readonly event: 'signal'; readonly data: WireSignal }
  | {
      /** All that existed has come. Once in a stream. */
      readonly event: 'caught-up';
      readonly data: Readonly<Record<string, never>>;
      /** The position so far. Absent: there is none yet. */
      readonly id?: string;
    }
  | {
      /** The messages that follow replace all that the client shows. */
      readonly event: 'resync';
      readonly data: Readonly<Record<string, never>>;
    }
  | {
      /** Last frame of a stream that the server ends. */
      readonly event: 'closing';
      readonly data: Closing;
    }
  | {
      /** Heartbeat of a WebSocket. */
      readonly event: 'ping';
      readonly data: Readonly<Record<string, never>>;
    };

/**
 * A message. `id` is the position after it and all before it; a page has one on its last message only. A client that
 * loses the connection within a page gets the page again, and drops what it has; see {@link WireMessage}.
 *
 * Position kept by the client: `id` is the next `after` or `Last-Event-ID`. Kept by the server: `id` is what the client
 * acknowledges once it has stored the page, by an `ack` frame, `POST /ack` or `Last-Event-ID` of its next stream.
 */
export interface MessageFrame<M> {
  readonly event: 'message';
  readonly data: WireMessage<M>;
  readonly id?: string;
}

/** Reason of the server for ending a stream. */
export interface Closing {
  /**
   * `drain`: the server shuts down. `slow`: the client did not read. `expired`: the stream has reached its age, and the
   * user has to be authenticated again. `failed`: a failure of the server, see `problem`. `refused`: a mistake of the
   * client, see `problem`.
   */
  readonly reason: 'drain' | 'slow' | 'expired' | 'failed' | 'refused';
  /** `true`: connect again, after a pause with jitter, and go on from the last position. */
  readonly resume: boolean;
  readonly problem?: Problem;
}

/** A frame from the client, on a WebSocket only: JSON text. */
export type ClientFrame =
  /** First frame, if neither a header, a cookie nor a subprotocol of the upgrade tells the user. */
  | { readonly type: 'auth'; readonly token: string }
  /** Acknowledges an `id`. Only where the server keeps the position. Acks in quick succession are stored as one. */
  | { readonly type: 'ack'; readonly cursor: string }
  /** Passed on as by `POST /conversations/:id/signals`, but dropped without an answer if it is refused. */
  | { readonly type: 'signal'; readonly conversation: string; readonly body: unknown };

/** Errors of the gateway itself. */
export type GatewayErrorCode =
  /** 401: no user. Get a token, then try again. */
  | 'GATEWAY_UNAUTHENTICATED'
  /** 403: the page's origin is none of those allowed. */
  | 'GATEWAY_ORIGIN_REFUSED'
  /** 404: no such route. */
  | 'GATEWAY_NO_ROUTE'
  /** 405: the route has other methods. */
  | 'GATEWAY_METHOD_NOT_ALLOWED'
  /** 415: the body is not `application/json`. */
  | 'GATEWAY_UNSUPPORTED_MEDIA_TYPE'
  /** 429: too many requests, sends or streams of the user. `Retry-After` says when to try again. */
  | 'GATEWAY_TOO_MANY_REQUESTS'
  /** 503: the server shuts down. */
  | 'GATEWAY_DRAINING'
  /** 500: a fault of the server. */
  | 'GATEWAY_INTERNAL';

/** Body of every answer from 400 on: RFC 9457 problem details. */
export interface Problem {
  /** Always `about:blank`: `code` tells more than the status. */
  readonly type: 'about:blank';
  /** Name of the status. */
  readonly title: string;
  /** HTTP status. */
  readonly status: number;
  /** Explanation for people. */
  readonly detail: string;
  readonly code: TimelineErrorCode | GatewayErrorCode;
  /** The same request may succeed later. Send it with the same key. */
  readonly retryable: boolean;
  /** Name of the argument that was refused. */
  readonly argument?: string;
  /** Findings of the schema. */
  readonly issues?: readonly { readonly message: string; readonly path?: readonly string[] }[];
}

/** Body of `POST /conversations/:id/messages`. */
export interface SendBody<M> {
  readonly body: M;
  readonly key?: string;
  readonly relatesTo?: WireSeqId;
  readonly countable?: boolean;
  readonly mentions?: readonly string[];
}

/** Body of `PATCH /conversations/:id/messages/:seqId`. */
export interface EditBody<M> {
  readonly body: M;
  readonly key?: string;
}

/** Body of `PUT /conversations/:id/read`. */
export interface ReadBody {
  /** The last message read. */
  readonly seqId: WireSeqId;
}

/** Body of `POST /conversations/:id/signals`. */
export interface SignalBody {
  /** A JSON value of at most 16 KiB. */
  readonly body: unknown;
}

/** Body of `POST /ack`. */
export interface AckBody {
  /** `id` of a frame, or `cursor` of a page. */
  readonly cursor: string;
}

/** Body of `POST /conversations/:id/members`. */
export interface JoinBody {
  readonly users: readonly string[];
  readonly key?: string;
}

/**
 * Answer to a send (201; 200 if `duplicate`), edit or recall (200), join or leave (200; 202: stored, but not in force
 * yet). `seqId` is that of the new entry.
 */
export interface SentAnswer {
  readonly seqId: WireSeqId;
  /** An earlier call with the same key has stored it. */
  readonly duplicate: boolean;
}

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
  readonly truncated?: { readonly through: WireSeqId };
}

/** Answer to `GET /pull?after=&limit=`. The position is kept as in a stream; see {@link MessageFrame}. */
export interface PulledPage<M> {
  readonly messages: readonly WireMessage<M>[];
  /** Next `after`, or what the client acknowledges. */
  readonly cursor: string;
  readonly upToDate: boolean;
  /** The page and what follows replace all that the client shows. */
  readonly resynced: boolean;
  readonly truncated?: readonly WireTruncated[];
}

/** One conversation of `GET /conversations`, and the answer to `GET /conversations/:id`. */
export interface WireSummary<M> {
  readonly conversation: string;
  readonly last?: {
    readonly seqId: WireSeqId;
    readonly sender: string;
    readonly body?: M;
    readonly sentAt: number;
    readonly edited?: true;
    readonly recalled?: true;
  };
  /** Last SeqId of the conversation, of an entry of any kind. */
  readonly lastSeqId: WireSeqId;
  /** The user's read position; `0` for none. */
  readonly readSeqId: WireSeqId;
  readonly unread: number;
  readonly mentions: number;
  readonly capped: boolean;
  readonly settings: WireSettings;
  readonly next: string;
}

/** Answer to `GET /conversations?limit=&after=`. */
export interface ConversationsPage<M> {
  readonly conversations: readonly WireSummary<M>[];
  /** Next `after`. Absent: there are no more. */
  readonly next?: string;
}

/** Answer to `GET /unread`. */
export interface UnreadAnswer {
  readonly messages: number;
  readonly mentions: number;
  readonly conversations: number;
  readonly capped: boolean;
}

/** Answer to `PUT /conversations/:id/read`. */
export interface ReadAnswer {
  /** The position in force: it never moves back. */
  readonly readSeqId: WireSeqId;
}

/** Answer to `GET /conversations/:id/members`. */
export interface MembersAnswer {
  readonly members: readonly string[];
  /** `false`: there are more members than the gateway lists. */
  readonly complete: boolean;
}

/** Answer to `GET /devices`. */
export interface DevicesAnswer {
  readonly devices: readonly { readonly device: string; readonly lastSeenAt: number }[];
}

/** Limits of a gateway. */
export interface GatewayLimits {
  /** Bytes of a request's body, and of a frame of a client. */
  readonly bodyBytes: number;
  /** Messages of a page, and conversations of a list: the most that `limit` may ask for. */
  readonly page: number;
  /** Members in the answer to `GET /conversations/:id/members`. */
  readonly members: number;
  /** Sends, edits, recalls, signals, joins and leaves per second and user; as many at once. */
  readonly sendsPerSecond: number;
  /** Requests of any kind per second and user; as many at once. */
  readonly requestsPerSecond: number;
  /** Streams of a user, SSE and WebSockets together, on this process. */
  readonly streamsPerUser: number;
  /** Bytes that wait for a stream's client. Beyond it, the stream reads no more messages. */
  readonly bufferedBytes: number;
  /** Milliseconds that a client may leave {@link bufferedBytes} waiting before its stream is ended as `slow`. */
  readonly slowMs: number;
  /** Milliseconds between heartbeats of a stream. */
  readonly heartbeatMs: number;
  /** Milliseconds after which a stream ends as `expired`: the user is authenticated again. */
  readonly streamMs: number;
  /** Milliseconds for the `auth` frame of a WebSocket. */
  readonly authMs: number;
  /** Least milliseconds between two writes of a WebSocket's acknowledgements. */
  readonly ackMs: number;
}

/** The limits, unless others are given. */
export const DEFAULT_LIMITS: GatewayLimits = {
  bodyBytes: 65_536,
  page: 200,
  members: 1000,
  sendsPerSecond: 20,
  requestsPerSecond: 100,
  streamsPerUser: 8,
  bufferedBytes: 262_144,
  slowMs: 15_000,
  heartbeatMs: 15_000,
  streamMs: 3_600_000,
  authMs: 10_000,
  ackMs: 200,
};
