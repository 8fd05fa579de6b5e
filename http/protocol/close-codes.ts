/**
 * Codes with which the server closes a WebSocket: 4000 plus an HTTP status. Others (1001, 1006, 1011): connect again
 * and go on.
 */
export const CLOSE_CODES = {
  /** Connect again and go on from the last position: the server shuts down, or the stream has reached its age. */
  resume: 4000,
  /** No user: get a token, then connect again. */
  unauthorized: 4401,
  /** This user, device or origin may not connect. */
  forbidden: 4403,
  /** The client did not read for too long. Connect again and go on from the last position. */
  slow: 4408,
  /** The position is not accepted, or no longer: begin again, with an empty `after` if the client keeps it. */
  positionRefused: 4410,
  /** The user has too many streams. Wait, then connect again. */
  tooMany: 4429,
  /** The client sent something that is no {@link ClientFrame}. Connecting again does not help. */
  malformed: 4400,
} as const;
