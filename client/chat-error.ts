import type { Problem } from '../http/protocol.js';

/** What a {@link ChatError} tells beside its code and message. */
export interface ChatErrorFacts {
  /** Status of the answer. Default 0. */
  readonly status?: number;
  /** The same may succeed later. Default `false`. */
  readonly retryable?: boolean;
  /** Milliseconds to wait before the next attempt. Default 0. */
  readonly pauseMs?: number;
  /** What was thrown. */
  readonly cause?: unknown;
}

/**
 * A refusal of the server, or a request that did not get through. `code` is one of those in `timeline-model`'s table of
 * errors, or of the gateway's.
 */
export class ChatError extends Error {
  /** For programs, such as `TIMELINE_FORBIDDEN`; `TIMELINE_UNAVAILABLE` if no answer came. */
  declare readonly code: string;
  /** Status of the answer; 0 if none came. */
  declare readonly status: number;
  /** The same may succeed later. The client tries again by itself where it says so. */
  declare readonly retryable: boolean;
  /** Milliseconds that the server asks to wait before the next attempt. Default 0. */
  declare readonly pauseMs: number;

  constructor(code: string, message: string, facts?: ChatErrorFacts) {
    super(message);
    Object.assign(this, { name: 'ChatError', code, status: 0, retryable: false, pauseMs: 0 }, facts);
  }
}

/** Anything but a refusal means that no answer came. */
export const unavailable = (cause: unknown): ChatError =>
  cause instanceof ChatError ? cause : new ChatError('TIMELINE_UNAVAILABLE', String(cause), { retryable: true, cause });

/** Statuses after which the same request may succeed, also where a proxy answers. */
const PASSING = [401, 408, 429, 502, 503, 504];

/** A problem that the server, or a proxy in front of it, has answered with. */
export const refusalOf = (
  { code, detail = 'refused', status = 0, retryable }: Partial<Problem>,
  pauseMs = 0,
): ChatError =>
  new ChatError(code ?? `HTTP_${status}`, detail, {
    status,
    retryable: retryable || PASSING.includes(status),
    pauseMs,
  });

export const closedError = (): ChatError => new ChatError('TIMELINE_CLOSED', 'the chat is closed');

export const invalidArgument = (message: string): ChatError => new ChatError('TIMELINE_INVALID_ARGUMENT', message);
