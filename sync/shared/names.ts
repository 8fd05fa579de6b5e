import type { TimelineEntry, TimelineId } from '../../src/index.js';
import { checkText, describeValue, invalidArgument } from '../../src/toolkit/index.js';
import type { Stored } from '../types.js';

/** Bytes. With the parts that the library adds for its own Timelines, these names still fit into a Timeline id. */
const MAX_CONVERSATION_BYTES = 400;
const MAX_USER_BYTES = 200;
const MAX_DEVICE_BYTES = 200;
const MAX_KEY_BYTES = 1000;
const MAX_MENTIONS = 100;
/** A page of messages lies in one or two such Timelines, and few messages have relations. */
const TARGETS_PER_TIMELINE = 64n;

/**
 * Timelines of the state library, which may be the store library. Only ids of conversations have a single part, so that
 * these cannot collide.
 */
export const timelineOf = {
  /** The mode changes of a conversation, `begun` and `done`. */
  modes: (conversation: string): TimelineId => ['modes', conversation],
  /** The settings of the library: default mode, use of read mode, secret. */
  settings: ['modes', 'of', 'library'] as TimelineId,
  /** In the sync and store library: has an epoch from the beginning on, which a restore changes. */
  life: ['life', 'of', 'library'] as TimelineId,
  /** The positions of a device in the conversations that it reads directly. */
  device: (user: string, device: string): TimelineId => ['device', user, device],
  /** The position changes of pages that are too many for the device's cursors. */
  pages: (user: string, device: string): TimelineId => ['pages', user, device],
  /** The devices of a user that have a position, and snapshots of them. */
  devices: (user: string): TimelineId => ['devices', user],
  /** A record from time to time: its time is the one that all processes agree on. */
  clock: ['devices', 'of', 'library'] as TimelineId,
  /** Joins and leaves of a conversation, and snapshots of its members. */
  members: (conversation: string): TimelineId => ['members', conversation],
  /** Joins and leaves of a user, and snapshots of the user's conversations. */
  memberships: (user: string): TimelineId => ['memberships', user],
  /** Relations to messages of a conversation, those to {@link TARGETS_PER_TIMELINE} SeqIds in one Timeline. */
  relations: (conversation: string, target: bigint): TimelineId => [
    'relations',
    conversation,
    String((target - 1n) / TARGETS_PER_TIMELINE),
  ],
  /** Where long stretches of a conversation hold no messages. */
  skips: (conversation: string): TimelineId => ['skips', conversation],
  /** Changes of a user's settings of conversations, and snapshots. */
  settingsOf: (user: string): TimelineId => ['settings', user],
  /** Notes of conversations that may have unfinished fan-outs, by the hash of the conversation. */
  pending: (shard: number): TimelineId => ['pending', String(shard)],
};

/** Topics of signals in the sync library. */
export const topicOf = {
  /** Signals for the subscribed devices of a user. */
  user: (user: string): string => `signals:${user}`,
};

/** Named readers of a Timeline. */
export const readerOf = {
  /** On a conversation: every inbox holds all entries due up to here. */
  fanOut: 'fan-out',
  /** On a conversation: the read position of a user. */
  user: (user: string): string => `read:${user}`,
  /** On a user's settings: the user's inbox holds all changes up to here. */
  announced: 'announced',
  /** On a conversation: the leave of a former member. */
  leave: (user: string): string => `left:${user}`,
  /**
   * On an inbox: the position that a device has acknowledged, since it was forgotten last. A process that has not
   * noticed writes a position under the earlier name, where it does no harm.
   */
  device: (device: string, forgottenAt: bigint): string =>
    forgottenAt === 0n ? `device:${device}` : `device@${forgottenAt}:${device}`,
};

/**
 * The key of an entry's copies. It is the same in every process and after edits. The time in it tells apart two entries
 * that had the same SeqId in two epochs of a conversation.
 */
export function copyKey(conversation: string, entry: TimelineEntry<Stored<unknown>>): string {
  return `${entry.seqId}.${entry.appendedAt.toString(36)}@${conversation}`;
}

export const checkConversation = (value: unknown): string => checkText(value, 'conversation', MAX_CONVERSATION_BYTES);
export const checkUser = (value: unknown, argument = 'user'): string => checkText(value, argument, MAX_USER_BYTES);
export const checkDevice = (value: unknown): string => checkText(value, 'device', MAX_DEVICE_BYTES);

export function checkKey(value: unknown): string | undefined {
  return value === undefined ? undefined : checkText(value, 'key', MAX_KEY_BYTES);
}

/** The user who does what a call says; `undefined` for the server itself. */
export function checkActor(value: unknown): string | undefined {
  return value === undefined ? undefined : checkUser(value, 'by');
}

/** Returns the names, each once; `undefined` if there are none. */
export function checkMentions(value: unknown): string[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw invalidArgument('mentions', `must be an array, not ${describeValue(value)}`);
  const names = [...new Set(value.map((name) => checkUser(name, 'mentions')))];
  if (names.length > MAX_MENTIONS) throw invalidArgument('mentions', `must name at most ${MAX_MENTIONS} users`);
  return names.length === 0 ? undefined : names;
}

export function checkUsers(value: unknown): string[] {
  const users: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (users.length === 0) throw invalidArgument('users', 'must name at least one user');
  return [...new Set(users.map((user) => checkUser(user, 'users')))];
}
