import type { TimelineId } from '../../src/index.js';
import { timelineOf } from '../shared/names.js';
import type { Stored } from '../types.js';

/** Timelines that hold the notes of all conversations and processes. */
export const NOTE_SHARDS = 16;

/**
 * Says that some process may append to the conversation, or has not finished the fan-out of an append. Names no
 * process.
 */
export interface PendingNote {
  readonly conversation: string;
  /** The lease of the author, in milliseconds. */
  readonly lifeMs: number;
  /** The note stands for at least this many times two lives, unless its author deletes it. */
  readonly watches: number;
}

export const shardTimelines: readonly TimelineId[] = Array.from({ length: NOTE_SHARDS }, (_, shard) =>
  timelineOf.pending(shard),
);

/** FNV-1a, so that every process agrees. */
export function shardOf(conversation: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < conversation.length; i++) hash = Math.imul(hash ^ conversation.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % NOTE_SHARDS;
}

export function encodeNote<M>({ conversation, lifeMs, watches }: PendingNote): Stored<M> {
  return { kind: 'state', state: { conversation, lifeMs, watches } satisfies PendingNote };
}

/** `undefined` for an entry that is no note: a newer release may write others. */
export function decodeNote(message: Stored<unknown> | undefined): PendingNote | undefined {
  if (message?.kind !== 'state') return undefined;
  const { conversation, lifeMs, watches } = (message.state ?? {}) as Partial<PendingNote>;
  if (typeof conversation !== 'string' || typeof lifeMs !== 'number' || typeof watches !== 'number') return undefined;
  return { conversation, lifeMs, watches };
}
