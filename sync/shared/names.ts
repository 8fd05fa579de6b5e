import { invalidArgument } from '../../src/errors.js';
import { checkText } from '../../src/text.js';
import type { TimelineEntry, TimelineId } from '../../src/types.js';
import type { Stored } from '../types.js';

/** Bytes; together with what the library's own Timelines add they stay within a Timeline id. */
const MAX_CONVERSATION = 400;
const MAX_USER = 200;
const MAX_DEVICE = 200;
const MAX_KEY = 1000;

/** Conversations have ids of one part, what the library keeps for itself has more: they cannot meet. */
export const timelineOf = {
  /** Changes of a conversation's mode, as far as every inbox has heard of them. */
  modes: (conversation: string): TimelineId => ['modes', conversation],
  /** The mode of conversations that never had a marker, and whether any was ever read. */
  beginning: ['modes', 'of', 'library'] as TimelineId,
  /** A device's positions in the conversations that it reads itself. */
  device: (user: string, device: string): TimelineId => ['device', user, device],
  /** Joins and leaves of a conversation. */
  members: (conversation: string): TimelineId => ['members', conversation],
  /** Joins and leaves of a user. */
  memberships: (user: string): TimelineId => ['memberships', user],
  /** Every process that may have work under way. */
  processes: ['work', 'processes'] as TimelineId,
  /** The conversations that one process may have work under way in. */
  work: (process: string): TimelineId => ['work', 'process', process],
};

/** Named readers of a Timeline. */
export const readerOf = {
  /** On a conversation: every inbox holds what comes up to here. */
  fanOut: 'fan-out',
  /** On a conversation: what a user has read. */
  user: (user: string): string => `read:${user}`,
  /** On an inbox: what a device has acknowledged. */
  device: (device: string): string => `device:${device}`,
};

/**
 * The key of an entry's copies. It does not depend on who diffuses it, nor on later edits, and two entries that had the same
 * SeqId in two lives of a conversation differ in their time.
 */
export function copyKey(conversation: string, entry: TimelineEntry<Stored<unknown>>): string {
  return `${entry.seqId}.${entry.appendedAt.toString(36)}@${conversation}`;
}

export const checkConversation = (value: unknown): string => checkText(value, 'conversation', MAX_CONVERSATION);
export const checkUser = (value: unknown, argument = 'user'): string => checkText(value, argument, MAX_USER);
export const checkDevice = (value: unknown): string => checkText(value, 'device', MAX_DEVICE);

export function checkKey(value: unknown): string | undefined {
  return value === undefined ? undefined : checkText(value, 'key', MAX_KEY);
}

export function checkUsers(value: unknown): string[] {
  const users: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (users.length === 0) throw invalidArgument('users', 'must name at least one user');
  return [...new Set(users.map((user) => checkUser(user, 'users')))];
}
