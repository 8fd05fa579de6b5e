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
