import type { Problem } from '../http/protocol.js';

/** Details of a {@link ChatError}: the problem that a server, or a proxy in front of it, has answered with. */
export interface ChatErrorFacts extends Partial<Pick<Problem, 'detail' | 'status' | 'retryable'>> {
  readonly code?: string;
  readonly pauseMs?: number;
  readonly cause?: unknown;
}

/** Statuses after which the same request may succeed, also where a proxy answers. */
const PASSING = [401, 408, 429, 502, 503, 504];

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

  constructor(facts: ChatErrorFacts) {
    const { detail, status = 0, retryable } = facts;
    super(detail);
    Object.assign(this, { name: 'ChatError', code: `HTTP_${status}`, status, pauseMs: 0 }, facts);
    this.retryable = retryable || PASSING.includes(status);
  }
}

/** Anything but a refusal means that no answer came. */
export const unavailable = (cause: unknown): ChatError =>
  cause instanceof ChatError
    ? cause
    : new ChatError({ code: 'TIMELINE_UNAVAILABLE', detail: String(cause), retryable: true, cause });

export const closedError = (): ChatError => new ChatError({ code: 'TIMELINE_CLOSED', detail: 'the chat is closed' });

export const invalidArgument = (detail: string): ChatError =>
  new ChatError({ code: 'TIMELINE_INVALID_ARGUMENT', detail });
