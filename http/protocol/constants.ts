/** Header with the device's name, encoded by `encodeURIComponent`. Where none can be set: the parameter `device`. */
export const DEVICE_HEADER = 'x-device';
/** Header of a send, an edit or a change of members with the client's key. `key` of the body does the same. */
export const KEY_HEADER = 'idempotency-key';
/**
 * Header of `GET /events` with the last `id` that the client has got; goes before `after`. Where none can be set: the
 * parameter of this name.
 */
export const LAST_EVENT_ID_HEADER = 'last-event-id';
/** Media type of a {@link Problem}. */
export const PROBLEM_TYPE = 'application/problem+json';
/** WebSocket subprotocol. A client that offers `bearer.<token>` offers this one first: the server answers with it. */
export const SUBPROTOCOL = 'timeline-model';
/** Prefix of the WebSocket subprotocol that holds the token, in characters that a subprotocol may have. */
export const TOKEN_SUBPROTOCOL = 'bearer.';
/** Longest key of a client, in UTF-8 bytes. Keys of two users never meet. */
export const MAX_KEY_BYTES = 512;
