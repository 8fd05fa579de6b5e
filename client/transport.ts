import type { Frame } from '../http/protocol.js';

/** One stream of frames. */
export interface StreamRequest<M> {
  /** Path of the stream, with the position to go on from. */
  readonly path: string;
  /** Ends the stream. */
  readonly signal: AbortSignal;
  /** Called when anything arrives, a heartbeat too. */
  readonly onActivity: () => void;
  readonly onFrame: (frame: Frame<M>) => void;
}

/**
 * Resolves when the server ends the stream, with a status if it refuses it. Rejects if it refuses it or the connection
 * breaks. Where the server keeps the position, it acknowledges the frames that it has passed on.
 */
export type Transport<M> = (request: StreamRequest<M>) => Promise<number | undefined>;
