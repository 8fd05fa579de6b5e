import { type Head, isTimelineError, type Timeline, type TimelineId, type TimelineStore } from '../../src/index.js';
import { holds, tagOf } from '../shared/epochs.js';
import { timelineOf } from '../shared/names.js';
import { lenient } from '../shared/undecodable.js';
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

const PAGE = 500;
/** Entries above twice the noted conversations from which a shard is compacted. */
const COMPACTION_SLACK = 32;

interface WatchedNote extends PendingNote {
  /** `performance.now()` when this process first saw it. */
  readonly seenAt: number;
}

interface MovedNote {
  readonly key: string;
  readonly note: PendingNote;
}

/** One Timeline of notes, as this process has read it. */
export class NoteShard<M> {
  readonly #timeline: Timeline<Stored<M>>;
  readonly #store: TimelineStore<Stored<M>>;
  readonly #notes = new Map<bigint, WatchedNote>();
  /** Entries that were not trimmed yet, deleted ones included. */
  readonly #seqIds = new Set<bigint>();
  #read = 0n;
  #epoch = 0;

  constructor(store: TimelineStore<Stored<M>>, shard: number) {
    this.#store = store;
    this.#timeline = store.timeline(timelineOf.pending(shard));
  }

  get conversations(): IterableIterator<string> {
    return new Set([...this.#notes.values()].map(({ conversation }) => conversation)).values();
  }

  /** Reads the notes that were added, and forgets those that were trimmed. */
  async refresh(head: Head): Promise<void> {
    const { firstSeqId, lastSeqId } = head;
    // The store went back to an earlier state: its ids mean other notes now.
    if (!holds(head, { epoch: this.#epoch, seqId: this.#read })) this.#forget();
    this.#epoch = tagOf(head.epoch);
    if (lastSeqId > this.#read) {
      for await (const { entries } of this.#timeline.pages({ after: this.#read, pageSize: PAGE, ...lenient })) {
        for (const { seqId, message, deleted } of entries) {
          this.#read = seqId;
          this.#seqIds.add(seqId);
          const note = deleted ? undefined : decodeNote(message);
          if (note) this.#notes.set(seqId, { ...note, seenAt: performance.now() });
        }
      }
    }
    this.#forgetBefore(firstSeqId);
  }

  /**
   * Removes the oldest notes that were watched for two lives. A note whose conversation is behind goes to the tail as
   * it is; another goes there with one watch less, until none is left. Several processes that do this move each note
   * once.
   */
  async expireWatched(isBehind: (conversation: string) => boolean): Promise<void> {
    if (!this.#store.capabilities.trim) return;
    let through: bigint | undefined;
    const now = performance.now();
    for (const [seqId, { seenAt, lifeMs }] of this.#notes) {
      if (now - seenAt < 2 * lifeMs) break;
      through = seqId;
    }
    if (through === undefined) return;
    const standing = await this.#standingThrough(through);
    const moved = [...standing].flatMap(([seqId, note]): MovedNote[] => {
      const watches = isBehind(note.conversation) ? note.watches : note.watches - 1;
      return watches > 0 ? [{ key: `moved:${seqId}`, note: { ...note, watches } }] : [];
    });
    await this.#moveAndTrim(moved, through);
  }

  /** Leaves one note per conversation, if the shard holds many more entries than that. */
  async compact(): Promise<void> {
    if (!this.#store.capabilities.trim || !this.#isLong(this.#notes.values())) return;
    const through = this.#read;
    const standing = await this.#standingThrough(through);
    for (const seqId of this.#notes.keys()) if (!standing.has(seqId)) this.#notes.delete(seqId);
    if (!this.#isLong(standing.values())) return;
    const byConversation = new Map<string, PendingNote>();
    for (const note of standing.values()) {
      const { conversation } = note;
      const other = byConversation.get(conversation) ?? note;
      const lifeMs = Math.max(note.lifeMs, other.lifeMs);
      byConversation.set(conversation, { conversation, lifeMs, watches: Math.max(note.watches, other.watches) });
    }
    const moved = [...byConversation.values()].map((note) => ({
      key: `compacted:${through}:${note.conversation}`,
      note,
    }));
    await this.#moveAndTrim(moved, through);
  }

  #isLong(notes: Iterable<PendingNote>): boolean {
    const conversations = new Set([...notes].map(({ conversation }) => conversation));
    return this.#seqIds.size >= COMPACTION_SLACK + 2 * conversations.size;
  }

  /** Read again: authors have deleted some of the notes that this process has seen. */
  async #standingThrough(through: bigint): Promise<Map<bigint, PendingNote>> {
    const standing = new Map<bigint, PendingNote>();
    for await (const { entries } of this.#timeline.pages({ before: through + 1n, pageSize: PAGE, ...lenient })) {
      for (const { seqId, message, deleted } of entries) {
        const note = deleted ? undefined : decodeNote(message);
        if (note) standing.set(seqId, note);
      }
    }
    return standing;
  }

  /** In this order: between the two, notes stand twice, which is harmless. */
  async #moveAndTrim(moved: readonly MovedNote[], through: bigint): Promise<void> {
    for (let i = 0; i < moved.length; i += PAGE) {
      const outcomes = await this.#store.appendBatch(
        moved.slice(i, i + PAGE).map(({ key, note }) => ({
          timeline: this.#timeline.id,
          message: encodeNote<M>(note),
          key,
        })),
      );
      // Another process has moved the note at the same time, with another count of watches: that one stands.
      for (const outcome of outcomes) if (!outcome.ok && !isKeyConflict(outcome.error)) throw outcome.error;
    }
    await this.#timeline.trim({ through });
    this.#forgetBefore(through + 1n);
  }

  #forgetBefore(firstSeqId: bigint): void {
    for (const seqId of this.#seqIds) {
      if (seqId >= firstSeqId) break;
      this.#seqIds.delete(seqId);
      this.#notes.delete(seqId);
    }
  }

  #forget(): void {
    this.#notes.clear();
    this.#read = 0n;
    this.#seqIds.clear();
  }
}

function isKeyConflict(error: unknown): boolean {
  return isTimelineError(error) && error.code === 'TIMELINE_KEY_CONFLICT';
}
