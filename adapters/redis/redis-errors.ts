import { isTimelineError, TimelineError } from '../../src/errors.js';
import { Overdue } from './outstanding.js';

/**
 * Refusals that pass by themselves: the server starts, fails over, moves a slot, waits for a replica, runs a script.
 */
const PASSING = 'LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|READONLY|NOREPLICAS|MISCONF|BUSY|UNBLOCKED|MOVED|ASK';
/** The server is not the one that is wanted, or not any more: only another connection helps. */
const ELSEWHERE = 'READONLY|MASTERDOWN|MOVED';
const LOGIN = 'WRONGPASS|NOAUTH';
/** ioredis says so before it writes anything. */
const NEVER_SENT = /isn't (writeable|ready) and enableOfflineQueue/;

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function isNoScript(error: unknown): boolean {
  return hasCode(messageOf(error), 'NOSCRIPT');
}

/** Waiting does not help against it. */
export function isRefusedLogin(error: Error): boolean {
  return hasCode(error.message, LOGIN) || /^ERR invalid password/.test(error.message);
}

/** What was believed of the server is to be dropped with the connection to it. */
export function isElsewhere(error: unknown): boolean {
  return hasCode(messageOf(error), ELSEWHERE);
}

/**
 * A code is the first word of an answer, behind what scripts and clients put in front: `ERR user_script:205: READONLY
 * …`, `ERR Error running script (…): @user_script:3: -OOM …`, `Last error: ReplyError: MOVED …`.
 */
function hasCode(message: string, codes: string): boolean {
  return new RegExp(`(?:^|: |: -|^-|refused: )(?:${codes})\\b`).test(message);
}

export function away(message: string, cause?: unknown): TimelineError {
  return new TimelineError('TIMELINE_UNAVAILABLE', message, { retryable: true, cause });
}

/** What Redis, or a script on it, answered instead of doing what it was told. */
export function refusal(text: string, cause?: unknown): TimelineError {
  // A script puts its own place before the message and what called it behind.
  const message = text
    .replace(/^ERR Error running script.*?: (?=@?user_script)/, '')
    .replace(/^(?:ERR )?@?user_script:\d+: -?/, '')
    .replace(/ script: [0-9a-f]{40}.*$/s, '');
  if (hasCode(message, 'OOM')) {
    return new TimelineError('TIMELINE_BUSY', `Redis has no memory left: ${message}`, { retryable: true, cause });
  }
  const foreign = /FOREIGN (.*)$/s.exec(message);
  if (foreign || /WRONGTYPE|equal or smaller/.test(message)) {
    const problem = foreign?.[1] ?? message;
    return new TimelineError(
      'TIMELINE_UNAVAILABLE',
      `a key of this Timeline was written by another program: ${problem}`,
      {
        cause,
      },
    );
  }
  const retryable = hasCode(message, PASSING) || message.includes('non local key');
  return new TimelineError('TIMELINE_UNAVAILABLE', `Redis refused: ${message}`, { retryable, cause });
}

/** Any failure of a call as a {@link TimelineError}. A lost connection leaves it open whether a write was applied. */
export function toTimelineError(error: unknown, kind: 'read' | 'write'): TimelineError {
  if (isTimelineError(error)) return error;
  const message = messageOf(error);
  if (error instanceof Error && error.name === 'ReplyError') return refusal(message, error);
  if (/^Too many Cluster redirections/.test(message) && hasCode(message, PASSING)) {
    return refusal(message.replace(/^.*?Last error: (?:ReplyError|Error): /s, ''), error);
  }
  if (kind === 'read') {
    return away(
      error instanceof Overdue ? 'Redis gave no answer in time' : `Redis cannot be reached: ${message}`,
      error,
    );
  }
  if (NEVER_SENT.test(message)) return away(`Redis cannot be reached: ${message}`, error);
  const text =
    error instanceof Overdue ? 'Redis gave no answer in time' : `the connection to Redis was lost: ${message}`;
  return new TimelineError('TIMELINE_UNAVAILABLE', text, { retryable: true, outcome: 'unknown', cause: error });
}
