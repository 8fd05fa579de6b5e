import { isTimelineError, TimelineError } from '../../src/errors.js';

/** Refusals that pass by themselves: the server starts, fails over, moves a slot, waits for a replica, runs a script. */
const PASSING = /^(LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|READONLY|NOREPLICAS|MISCONF|BUSY|UNBLOCKED|MOVED|ASK)\b/;
/** ioredis says so before it writes anything. */
const NEVER_SENT = /isn't (writeable|ready) and enableOfflineQueue/;

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function isNoScript(error: unknown): boolean {
  return messageOf(error).startsWith('NOSCRIPT');
}

export function away(message: string, cause?: unknown): TimelineError {
  return new TimelineError('TIMELINE_UNAVAILABLE', message, { retryable: true, cause });
}

/** What Redis, or a script on it, answered instead of doing what it was told. */
export function refusal(text: string, cause?: unknown): TimelineError {
  // A script puts its own place before the message and what called it behind.
  const message = text.replace(/^ERR Error running script.*?: /, '').replace(/ script: [0-9a-f]{40}.*$/s, '');
  if (/\bOOM\b/.test(message)) {
    return new TimelineError('TIMELINE_BUSY', `Redis has no memory left: ${message}`, { retryable: true, cause });
  }
  const foreign = /FOREIGN (.*)$/s.exec(message);
  if (foreign || /WRONGTYPE|equal or smaller/.test(message)) {
    const problem = foreign?.[1] ?? message;
    return new TimelineError('TIMELINE_UNAVAILABLE', `a key of this Timeline was written by another program: ${problem}`, {
      cause,
    });
  }
  const retryable = PASSING.test(message) || message.includes('non local key');
  return new TimelineError('TIMELINE_UNAVAILABLE', `Redis refused: ${message}`, { retryable, cause });
}

/** Any failure of a call as a {@link TimelineError}. A lost connection leaves it open whether a write was applied. */
export function toTimelineError(error: unknown, kind: 'read' | 'write'): TimelineError {
  if (isTimelineError(error)) return error;
  const message = messageOf(error);
  const redirected = /^Too many Cluster redirections\. Last error: (?:ReplyError|Error): (.*)$/s.exec(message)?.[1];
  if (redirected && PASSING.test(redirected)) return refusal(redirected, error);
  if (error instanceof Error && error.name === 'ReplyError') return refusal(message, error);
  if (kind === 'read' || NEVER_SENT.test(message)) return away(`Redis cannot be reached: ${message}`, error);
  const text = `the connection to Redis was lost before it answered: ${message}`;
  return new TimelineError('TIMELINE_UNAVAILABLE', text, { retryable: true, outcome: 'unknown', cause: error });
}
