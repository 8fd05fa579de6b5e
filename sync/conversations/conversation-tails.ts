import type { Head, TimelineEntry, TimelineStore } from '../../src/index.js';
import { keptEntries } from '../shared/kept-entries.js';
import { RecentMap } from '../shared/listing.js';
import { lenient } from '../shared/undecodable.js';
import type { LastMessage, Membership, Stored } from '../types.js';
import { LatestMessage } from './latest-message.js';

const CONVERSATIONS_PER_CALL = 500;
/** Conversations whose tails stay known. */
const MAX_TAILS = 100_000;
/** Entries at the end of a conversation that are searched for the last message first. */
const TAIL = 4;

/** What is known of the end of a conversation, as long as its head stays the same. */
interface KnownTail {
  epoch: string;
  lastSeqId: bigint;
  /** Time of the newest entry of any kind: no message is newer. */
  newestAt: number;
  /** The newest counted message; `null` if there is none, `undefined` if nobody has looked. */
  last: { readonly seqId: bigint; readonly sentAt: number } | null | undefined;
}

/** The end of a conversation as one member sees it. */
export interface VisibleTail {
  readonly lastSeqId: bigint;
  /** Time of the last message, 0 without one. Not below the true time, and equal to it if `isLooked`. */
  readonly sentAt: number;
  /** The last message was looked up since the conversation moved. It may have been deleted after that. */
  readonly isLooked: boolean;
}

export interface Latest<M> {
  readonly lastSeqId: bigint;
  readonly last: LastMessage<M> | undefined;
}

/** Knows which conversations have moved. Only of these are entries read, and last messages only of those asked for. */
export class ConversationTails<M> {
  readonly #store: TimelineStore<Stored<M>>;
  readonly #known = new RecentMap<string, KnownTail>(MAX_TAILS);

  constructor(store: TimelineStore<Stored<M>>) {
    this.#store = store;
  }

  /** Reads all heads in one call, and the newest entry of each conversation that has moved. */
  async visible(memberships: readonly Membership[]): Promise<VisibleTail[]> {
    const heads = await this.#store.heads(memberships.map(({ conversation }) => conversation));
    const tails = memberships.map(({ conversation }) => this.#tailOf(conversation));
    const moved = memberships.flatMap(({ conversation }, i) => {
      const tail = tails[i] as KnownTail;
      return isSame(tail, heads[i] as Head) ? [] : [{ conversation, tail }];
    });
    for (let i = 0; i < moved.length; i += CONVERSATIONS_PER_CALL)
      await this.#readNewest(moved.slice(i, i + CONVERSATIONS_PER_CALL));
    return memberships.map(({ from }, i) => {
      const { lastSeqId, newestAt, last } = tails[i] as KnownTail;
      const isVisible = lastSeqId > from && (last === undefined || (last !== null && last.seqId > from));
      return { lastSeqId, sentAt: isVisible ? (last?.sentAt ?? newestAt) : 0, isLooked: last !== undefined };
    });
  }

  /** Reads the last counted message that each member sees. */
  async latest(memberships: readonly Membership[]): Promise<Latest<M>[]> {
    const pages = await this.#store.readBatch(
      memberships.map(({ conversation, from }) => ({
        timeline: conversation,
        after: from,
        reverse: true,
        limit: TAIL,
      })),
      lenient,
    );
    return Promise.all(
      memberships.map(async ({ conversation, from }, i) => {
        const page = pages[i] as (typeof pages)[number];
        const tail = this.#tailOf(conversation);
        const latest = new LatestMessage<M>();
        let last = firstFound(page.entries, latest);
        if (!last && !page.upToDate) last = await this.#lastBefore(conversation, from, page, latest);
        const newest = page.entries[0];
        // The member may not see the newest message, and the head may be newer than the known one.
        if (newest && (last || from === 0n)) {
          tail.epoch = page.head.epoch;
          tail.lastSeqId = page.head.lastSeqId;
          tail.newestAt = newest.appendedAt;
          tail.last = last ? { seqId: last.seqId, sentAt: last.sentAt } : null;
        }
        return { lastSeqId: page.head.lastSeqId, last };
      }),
    );
  }

  /** Looks at the known place of the last message first: any number of uncounted entries may follow it. */
  async #lastBefore(
    conversation: string,
    from: bigint,
    { next, head }: { readonly next: string; readonly head: Head },
    latest: LatestMessage<M>,
  ): Promise<LastMessage<M> | undefined> {
    const timeline = this.#store.timeline(conversation);
    const tail = this.#tailOf(conversation);
    if (tail.last && tail.last.seqId > from && isSame(tail, head)) {
      const entry = await timeline.get(tail.last.seqId, lenient);
      const last = entry && latest.visit(entry);
      if (last) return last;
    }
    for await (const entry of keptEntries(timeline, { after: from, before: next, reverse: true })) {
      const last = latest.visit(entry);
      if (last) return last;
    }
    return undefined;
  }

  async #readNewest(moved: readonly { readonly conversation: string; readonly tail: KnownTail }[]): Promise<void> {
    const pages = await this.#store.readBatch(
      moved.map(({ conversation }) => ({ timeline: conversation, reverse: true, limit: 1 })),
      lenient,
    );
    for (const [i, { entries, head }] of pages.entries()) {
      const { tail } = moved[i] as (typeof moved)[number];
      tail.epoch = head.epoch;
      tail.lastSeqId = head.lastSeqId;
      tail.newestAt = entries[0]?.appendedAt ?? 0;
      tail.last = entries.length === 0 ? null : undefined;
    }
  }

  #tailOf(conversation: string): KnownTail {
    return this.#known.use(conversation, () => ({ epoch: '', lastSeqId: 0n, newestAt: 0, last: null }));
  }
}

function isSame(tail: KnownTail, { epoch, lastSeqId }: Head): boolean {
  return tail.lastSeqId === lastSeqId && tail.epoch === epoch;
}

function firstFound<M>(
  entries: readonly TimelineEntry<Stored<M>>[],
  latest: LatestMessage<M>,
): LastMessage<M> | undefined {
  for (const entry of entries) {
    const last = latest.visit(entry);
    if (last) return last;
  }
  return undefined;
}
