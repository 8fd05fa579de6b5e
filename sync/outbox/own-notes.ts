import { randomUUID } from 'node:crypto';
import { isTimelineError, type TimelineStore } from '../../src/index.js';
import { timelineOf } from '../shared/names.js';
import type { Stored } from '../types.js';
import { encodeNote, shardOf } from './note-shard.js';

/**
 * Times that others watch a note. A process that freezes inside one append for longer than this many times two lives,
 * and then dies, leaves that one message to the next one in its conversation, or to `recover({ all: true })`.
 */
const WATCHES = 12;
const DELETES_AT_ONCE = 16;

export interface StandingNote {
  readonly shard: number;
  readonly seqId: bigint;
}

interface NotedConversation {
  /** `performance.now()` before the newest note was written. */
  notedAt: number;
  written: Promise<void>;
  readonly standing: StandingNote[];
}

/**
 * The notes that this process has written. Before an append to a conversation one of them stands that is younger than
 * one life, so a crash after the append leaves a trace. A busy conversation costs one note per life, not one per
 * message.
 */
export class OwnNotes<M> {
  readonly #store: TimelineStore<Stored<M>>;
  readonly #lifeMs: number;
  readonly #noted = new Map<string, NotedConversation>();
  readonly #taken: StandingNote[] = [];
  /** `true` once this process has written a note. */
  hasWritten = false;

  constructor(store: TimelineStore<Stored<M>>, lifeMs: number) {
    this.#store = store;
    this.#lifeMs = lifeMs;
  }

  /** Resolves once a note stands that is younger than one life. */
  async ensure(conversation: string): Promise<void> {
    const now = performance.now();
    let noted = this.#noted.get(conversation);
    if (!noted || now - noted.notedAt >= this.#lifeMs) {
      const standing = noted?.standing ?? [];
      noted = { notedAt: now, written: this.#write(conversation, standing), standing };
      this.#noted.set(conversation, noted);
    }
    await noted.written.catch((error: unknown) => {
      // The next append writes another; the older notes stay with it.
      noted.notedAt = Number.NEGATIVE_INFINITY;
      throw error;
    });
  }

  /**
   * Takes out the notes that a newer one has replaced, and those of conversations where nothing is left to do: once
   * they are older than one life, or at closing all. Delete them once the fan-out positions are durable.
   */
  async takeFinished(
    isDone: (conversation: string) => boolean,
    options: { readonly all: boolean },
  ): Promise<readonly StandingNote[]> {
    const taken = this.#taken.splice(0);
    for (const [conversation, noted] of this.#noted) {
      const isOld = performance.now() - noted.notedAt >= this.#lifeMs;
      if ((options.all || isOld) && isDone(conversation)) {
        this.#noted.delete(conversation);
        await noted.written.catch(() => undefined);
        taken.push(...noted.standing.splice(0));
      } else if (noted.standing.length > 1) taken.push(...noted.standing.splice(0, noted.standing.length - 1));
    }
    return taken;
  }

  /** Without the capability `delete`, notes age instead. */
  async delete(notes: readonly StandingNote[]): Promise<void> {
    if (!this.#store.capabilities.delete) return;
    for (let i = 0; i < notes.length; i += DELETES_AT_ONCE) {
      await Promise.all(notes.slice(i, i + DELETES_AT_ONCE).map((note) => this.#delete(note)));
    }
  }

  putBack(notes: readonly StandingNote[]): void {
    this.#taken.push(...notes);
  }

  async #write(conversation: string, standing: StandingNote[]): Promise<void> {
    this.hasWritten = true;
    const shard = shardOf(conversation);
    const note = encodeNote<M>({ conversation, lifeMs: this.#lifeMs, watches: WATCHES });
    const { seqId } = await this.#store.timeline(timelineOf.pending(shard)).append(note, { key: randomUUID() });
    standing.push({ shard, seqId });
  }

  async #delete(note: StandingNote): Promise<void> {
    try {
      await this.#store.timeline(timelineOf.pending(note.shard)).delete(note.seqId);
    } catch (error) {
      // Others have moved it behind, where it ages.
      if (isTimelineError(error) && error.code === 'TIMELINE_NOT_FOUND') return;
      this.#taken.push(note);
      throw error;
    }
  }
}
