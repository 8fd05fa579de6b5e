import type { TimelineEntry } from '../../src/index.js';
import type { Clock } from '../shared/clock.js';
import { copyKey } from '../shared/names.js';
import { isUndecodable } from '../shared/undecodable.js';
import type { Stored, Synced } from '../types.js';
import { copyOf, referenceTo } from './inbox-entries.js';

/** A message of a conversation whose copies stand in inboxes. */
export interface CopiedMessage<M> {
  readonly conversation: string;
  readonly seqId: bigint;
  /** Absent if the message is gone from its conversation. */
  readonly known?: {
    readonly sentAt: number;
    /** Key of its copies. */
    readonly key: string;
    /** The copy without body. */
    readonly reference: Synced<M>;
  };
  /** `true` while every inbox that holds a copy remembers its key. */
  readonly isKeyRemembered: () => boolean;
}

export interface AmendedTarget<M> {
  readonly conversation: string;
  readonly seqId: bigint;
  /** `undefined` if the message is gone. */
  readonly entry: TimelineEntry<Stored<M>> | undefined;
  /** Milliseconds since 1970 of the edit or recall. */
  readonly amendedAt: number;
  readonly clock: Clock;
  /** Milliseconds for which inboxes remember keys; `null`: for ever. */
  readonly keyWindowMs: number | null;
}

/** Clocks differ, and a search takes time: keys count as remembered for half of their window. */
const TRUSTED_PART = 0.5;

interface KeyAge {
  /** Milliseconds since 1970 of the message. */
  readonly sentAt: number;
  /** Milliseconds since 1970 of an event that is over: the clock may be slow. */
  readonly atLeast: number;
  readonly clock: Clock;
  /** Milliseconds for which inboxes remember keys; `null`: for ever. */
  readonly keyWindowMs: number | null;
}

/** `true` if every inbox with a copy remembers its key now. */
export function isKeyTrusted({ sentAt, atLeast, clock, keyWindowMs }: KeyAge): boolean {
  return keyWindowMs === null || Math.max(atLeast, clock.now()) - sentAt < keyWindowMs * TRUSTED_PART;
}

export function copiedMessage<M>(target: AmendedTarget<M>): CopiedMessage<M> {
  const { conversation, seqId, entry, amendedAt: atLeast, clock, keyWindowMs } = target;
  if (!entry) return { conversation, seqId, isKeyRemembered: () => false };
  const { appendedAt, message, deleted } = entry;
  const isReadable = !deleted && !isUndecodable(message) && message.kind === 'message';
  const reference = isReadable
    ? copyOf({ refersTo: () => true }, conversation, entry, message)
    : referenceTo<M>(conversation, entry);
  return {
    ...{ conversation, seqId },
    known: { sentAt: appendedAt, key: copyKey(conversation, entry), reference },
    isKeyRemembered: () => isKeyTrusted({ sentAt: appendedAt, atLeast, clock, keyWindowMs }),
  };
}
