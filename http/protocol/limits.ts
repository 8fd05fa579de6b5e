/** Limits of a gateway. */
export interface GatewayLimits {
  /** Bytes of a request's body, and of a frame of a client. */
  readonly bodyBytes: number;
  /** Bytes of the body of a batch. Each message of it may have {@link bodyBytes}. */
  readonly batchBytes: number;
  /** Messages of a batch. */
  readonly batch: number;
  /** Messages of a page, and conversations of a list: the most that `limit` may ask for. */
  readonly page: number;
  /** Members in the answer to `GET /conversations/:id/members`. */
  readonly members: number;
  /** Messages, edits, recalls, signals, joins and leaves per second and user; as many at once. */
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
  batchBytes: 1_048_576,
  batch: 100,
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
