import type { Problem } from '../http/protocol.js';

/**
 * A refusal of the server, or a request that did not get through. `code` is one of those in `timeline-model`'s table of
 * errors, or of the gateway's.
 */
export class ChatError extends Error {
  /** For programs, such as `TIMELINE_FORBIDDEN`; `TIMELINE_UNAVAILABLE` if no answer came. */
  readonly code: string;
  /** Status of the answer; 0 if none came. */
  readonly status: number;
  /** The same may succeed later. The client tries again by itself where it says so. */
  readonly retryable: boolean;
  /** Milliseconds that the server asks to wait before the next attempt. Default 0. */
  readonly pauseMs: number;

  constructor(code: string, message: string, status = 0, retryable = false, pauseMs = 0, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ChatError';
    this.code = code;
    this.status = status;
    this.retryable = retryable;
    this.pauseMs = pauseMs;
  }
}

/** Anything but a refusal means that no answer came. */
export function unavailable(cause: unknown): ChatError {
  return cause instanceof ChatError
    ? cause
    : new ChatError('TIMELINE_UNAVAILABLE', String(cause), 0, true, 0, { cause });
}

/** Statuses after which the same request may succeed, also where a proxy answers. */
const PASSING = [401, 408, 429, 502, 503, 504];

/** A problem that the server, or a proxy in front of it, has answered with. */
export function refusalOf(
  { code, detail, status = 0, retryable }: Partial<Problem>,
  text = 'refused',
  pauseMs = 0,
): ChatError {
  return new ChatError(
    code ?? `HTTP_${status}`,
    detail ?? text,
    status,
    retryable || PASSING.includes(status),
    pauseMs,
  );
}

export const closedError = (): ChatError => new ChatError('TIMELINE_CLOSED', 'the chat is closed');

export const invalidArgument = (message: string): ChatError => new ChatError('TIMELINE_INVALID_ARGUMENT', message);
