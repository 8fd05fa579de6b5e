import { isTimelineError, TimelineError } from '../../src/errors.js';
import { DeadlineExceeded } from './connection/pending-commands.js';

/** A retry helps: the server starts, fails over, moves a slot, waits for a replica or runs a script. */
const TRANSIENT = 'LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|READONLY|NOREPLICAS|MISCONF|BUSY|UNBLOCKED|MOVED|ASK';
/** Only a connection to another server helps. */
const WRONG_SERVER = 'READONLY|MASTERDOWN|MOVED';
const AUTH = 'WRONGPASS|NOAUTH';
/** ioredis fails with this before it writes anything. */
const NEVER_SENT = /isn't (writeable|ready) and enableOfflineQueue/;

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function isMissingScript(error: unknown): boolean {
  return hasCode(messageOf(error), 'NOSCRIPT');
}

export function isAuthError(error: Error): boolean {
  return hasCode(error.message, AUTH) || /^ERR invalid password/.test(error.message);
}

export function isWrongServer(error: unknown): boolean {
  return hasCode(messageOf(error), WRONG_SERVER);
}

/**
 * A code is the first word of an answer, behind the prefixes that scripts and clients add: `ERR user_script:205:
 * READONLY …`, `ERR Error running script (…): @user_script:3: -OOM …`, `Last error: ReplyError: MOVED …`.
 */
function hasCode(message: string, codes: string): boolean {
  return new RegExp(`(?:^|: |: -|^-|refused: )(?:${codes})\\b`).test(message);
}

/** Nothing was applied, and a retry may help. */
export function unreachable(message: string, cause?: unknown): TimelineError {
  return new TimelineError('TIMELINE_UNAVAILABLE', message, { retryable: true, cause });
}

/** The error for an answer with which Redis, or a script on it, refused a command. */
export function toRefusal(text: string, cause?: unknown): TimelineError {
  // A script puts its own line in front of the message and its caller behind.
  const message = text
    .replace(/^ERR Error running script.*?: (?=@?user_script)/, '')
    .replace(/^(?:ERR )?@?user_script:\d+: -?/, '')
    .replace(/ script: [0-9a-f]{40}.*$/s, '');
  if (hasCode(message, 'OOM')) {
    return new TimelineError('TIMELINE_BUSY', `Redis has no memory left: ${message}`, { retryable: true, cause });
  }
  const foreign = /FOREIGN (.*)$/s.exec(message);
  if (foreign || /WRONGTYPE|equal or smaller/.test(message)) {
    const problem = `a key of this Timeline was written by another program: ${foreign?.[1] ?? message}`;
    return new TimelineError('TIMELINE_UNAVAILABLE', problem, { cause });
  }
  const retryable = hasCode(message, TRANSIENT) || message.includes('non local key');
  return new TimelineError('TIMELINE_UNAVAILABLE', `Redis refused: ${message}`, { retryable, cause });
}

/** Any failure of a call as a {@link TimelineError}. A lost connection leaves the outcome of a write unknown. */
export function toTimelineError(error: unknown, kind: 'read' | 'write'): TimelineError {
  if (isTimelineError(error)) return error;
  const message = messageOf(error);
  if (error instanceof Error && error.name === 'ReplyError') return toRefusal(message, error);
  if (/^Too many Cluster redirections/.test(message) && hasCode(message, TRANSIENT)) {
    return toRefusal(message.replace(/^.*?Last error: (?:ReplyError|Error): /s, ''), error);
  }
  const isLate = error instanceof DeadlineExceeded;
  if (kind === 'read' || NEVER_SENT.test(message)) {
    return unreachable(isLate ? 'Redis gave no answer in time' : `Redis cannot be reached: ${message}`, error);
  }
  const problem = isLate ? 'Redis gave no answer in time' : `the connection to Redis was lost: ${message}`;
  return new TimelineError('TIMELINE_UNAVAILABLE', problem, { retryable: true, outcome: 'unknown', cause: error });
}
