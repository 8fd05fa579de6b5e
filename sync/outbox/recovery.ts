import { type Head, isTimelineError, seqIdOf, type TimelineId } from '../../src/index.js';
import type { Context } from '../shared/context.js';
import { holdsCursor } from '../shared/epochs.js';
import type { ConversationOutbox } from './conversation-outbox.js';
import { NOTE_SHARDS, NoteShard, shardTimelines } from './note-shard.js';

/** Conversations compared in one call. */
const BATCH = 500;
const RESUMED_AT_ONCE = 16;

interface BehindConversation {
  readonly conversation: string;
  readonly position: bigint;
}

/**
 * Finds conversations whose fan-out stands still behind their last entry, and finishes it. Candidates are those that
 * some process noted before it appended.
 */
export class Recovery<M> {
  readonly #context: Context<M>;
  readonly #outboxOf: (conversation: string) => ConversationOutbox<M>;
  readonly #shards: readonly NoteShard<M>[];
  readonly #resuming = new Set<string>();
  /** Positions of the conversations that were behind at the last look. */
  #lastPositions: ReadonlyMap<string, bigint> = new Map();

  constructor(context: Context<M>, outboxOf: (conversation: string) => ConversationOutbox<M>) {
    this.#context = context;
    this.#outboxOf = outboxOf;
    this.#shards = Array.from({ length: NOTE_SHARDS }, (_, shard) => new NoteShard(context.state, shard));
  }

  /** Resumes what stood still since the last look, and removes notes that are no longer needed. */
  async look(): Promise<void> {
    const behind = await this.#behindNoted();
    const stuck = behind.filter(({ conversation, position }) => this.#lastPositions.get(conversation) === position);
    this.#lastPositions = new Map(behind.map(({ conversation, position }) => [conversation, position]));
    this.#resumeInBackground(stuck);
    const names = new Set(behind.map(({ conversation }) => conversation));
    for (const shard of this.#shards) {
      await shard.expireWatched((conversation) => names.has(conversation));
      await shard.compact();
    }
  }

  /** Resumes every noted conversation that is behind. Returns how many were. */
  async recoverNoted(): Promise<number> {
    return this.#resume(await this.#behindNoted());
  }

  /** Compares all conversations of the store with their positions, noted or not. Needs the capability `timelines`. */
  async recoverAll(): Promise<number> {
    let resumed = 0;
    let batch: string[] = [];
    const resumeBatch = async () => {
      resumed += await this.#resume(await this.#behind(batch));
      batch = [];
    };
    for await (const id of this.#context.store.timelines()) {
      if (isConversation(id)) batch.push(id);
      if (batch.length === BATCH) await resumeBatch();
    }
    if (batch.length > 0) await resumeBatch();
    return resumed;
  }

  /** At closing: leaves short shards behind, though this process may never have looked at them. */
  async compact(): Promise<void> {
    await this.#refresh();
    for (const shard of this.#shards) await shard.compact();
  }

  async #refresh(): Promise<void> {
    const heads = await this.#context.state.heads(shardTimelines);
    await Promise.all(this.#shards.map((shard, i) => shard.refresh(heads[i] as (typeof heads)[number])));
  }

  async #behindNoted(): Promise<BehindConversation[]> {
    await this.#refresh();
    const conversations = [...new Set(this.#shards.flatMap((shard) => [...shard.conversations]))];
    const behind: BehindConversation[] = [];
    for (let i = 0; i < conversations.length; i += BATCH)
      behind.push(...(await this.#behind(conversations.slice(i, i + BATCH))));
    return behind;
  }

  /** Read the positions first: they only grow, so a conversation that seems up to date was. */
  async #behind(conversations: readonly string[]): Promise<BehindConversation[]> {
    const { store, fanOutPositions } = this.#context;
    const cursors = await fanOutPositions.get(conversations);
    const heads = await store.heads(conversations);
    return conversations.flatMap((conversation, i) => {
      const [cursor, head] = [cursors[i], heads[i] as Head];
      // A position of entries that the store has lost says nothing of those that have their SeqIds now.
      const position = cursor !== undefined && holdsCursor(head, cursor) ? seqIdOf(cursor) : 0n;
      return head.lastSeqId > position ? { conversation, position } : [];
    });
  }

  /** An inbox that is out of reach for long must not keep the next look waiting. */
  #resumeInBackground(stuck: readonly BehindConversation[]): void {
    const idle = stuck.filter(({ conversation }) => !this.#resuming.has(conversation));
    for (const { conversation } of idle) this.#resuming.add(conversation);
    const resumed = this.#resume(idle).catch(() => undefined);
    void resumed.then(() => {
      for (const { conversation } of idle) this.#resuming.delete(conversation);
    });
  }

  async #resume(behind: readonly BehindConversation[]): Promise<number> {
    const queue = behind.map(({ conversation }) => conversation);
    const workers = Array.from({ length: Math.min(RESUMED_AT_ONCE, queue.length) }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift())
        await this.#outboxOf(next).catchUp().catch(ignoreTruncated);
    });
    await Promise.all(workers);
    if (behind.length > 0) await this.#context.fanOutPositions.flush();
    return behind.length;
  }
}

/** The last entries were gone before their fan-out. Devices are told; nothing is left to do. */
function ignoreTruncated(error: unknown): void {
  if (!isTimelineError(error) || error.code !== 'TIMELINE_TRUNCATED') throw error;
}

/** The store library may be the state library: Timelines of the library's own have ids of several parts. */
function isConversation(id: TimelineId): id is string {
  return typeof id === 'string';
}
