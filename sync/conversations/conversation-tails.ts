import type { Head, Page, TimelineEntry, TimelineStore } from '../../src/index.js';
import { inGroups, RecentMap } from '../shared/listing.js';
import { SkipReader } from '../shared/skip-index.js';
import { lenient } from '../shared/undecodable.js';
import type { LastMessage, Membership, Stored } from '../types.js';
import { LatestMessage } from './latest-message.js';

const CONVERSATIONS_PER_CALL = 500;
/** Conversations whose tails stay known. */
const MAX_TAILS = 100_000;
/** Entries at the end of a conversation that are searched for the last message first; few unread ones are all there. */
const TAIL = 4;
/** Entries of the first page behind them; each is followed by one of twice as many. */
const FIRST_PAGE = 64;
const MAX_PAGE = 512;

/** The known end of a conversation. */
interface KnownTail {
  epoch: string;
  lastSeqId: bigint;
  /** Time of the newest entry of any kind: no message is newer. */
  newestAt: number;
  /** The newest counted message up to `lookedThrough`, if there is one. */
  last: { readonly seqId: bigint; readonly sentAt: number } | undefined;
  /** `undefined`: nobody has looked. */
  lookedThrough: bigint | undefined;
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
  /** Head of the conversation. */
  readonly head: Head;
  readonly last: LastMessage<M> | undefined;
  /** All entries of the conversation after `tailAfter`, newest first. */
  readonly tail: readonly TimelineEntry<Stored<M>>[];
  readonly tailAfter: bigint;
  /** No counted message follows this SeqId; recalls of earlier ones that follow it are in `recalls`. */
  readonly countedThrough: bigint;
  readonly recalls: ReadonlySet<string>;
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
      const { epoch, lastSeqId } = heads[i] as Head;
      return tail.lastSeqId === lastSeqId && tail.epoch === epoch ? [] : [{ conversation, tail }];
    });
    await inGroups(moved, CONVERSATIONS_PER_CALL, (some) => this.#readNewest(some));
    return memberships.map(({ from }, i) => {
      const { lastSeqId, newestAt, last, lookedThrough } = tails[i] as KnownTail;
      const isLooked = lookedThrough === lastSeqId;
      const latest = isLooked ? last : { seqId: lastSeqId, sentAt: newestAt };
      return { lastSeqId, sentAt: latest && latest.seqId > from ? latest.sentAt : 0, isLooked };
    });
  }

  /** Reads the last counted message that each member sees. */
  async latest(memberships: readonly Membership[]): Promise<Latest<M>[]> {
    const pages = await this.#store.readBatch(
      memberships.map(({ conversation }) => ({ timeline: conversation, reverse: true, limit: TAIL })),
      lenient,
    );
    return Promise.all(
      memberships.map(async ({ conversation, from }, i) => {
        const page = pages[i] as Page<Stored<M>>;
        const { head } = page;
        const entries = page.entries.filter(({ seqId }) => seqId > from);
        const isWhole = page.upToDate || entries.length < page.entries.length;
        const latest = new LatestMessage<M>();
        let last = latest.firstOf(entries);
        let countedThrough = head.lastSeqId;
        if (!last && !isWhole) {
          last = await this.#lastBefore(conversation, from, page, latest);
          countedThrough = last?.seqId ?? from;
        }
        const newest = page.entries[0];
        // The member may not see the newest message.
        if (newest && (last || from === 0n)) {
          const tail = this.#tailOf(conversation);
          tail.epoch = head.epoch;
          tail.lastSeqId = head.lastSeqId;
          tail.newestAt = newest.appendedAt;
          tail.last = last && { seqId: last.seqId, sentAt: last.sentAt };
          tail.lookedThrough = latest.isChanged ? undefined : head.lastSeqId;
        }
        const tailAfter = isWhole ? from : (entries.at(-1)?.seqId ?? head.lastSeqId + 1n) - 1n;
        const { recalls } = latest;
        return { head, last, tail: entries, tailAfter, countedThrough, recalls };
      }),
    );
  }

  /**
   * Any number of entries that do not count may follow the last message. This process has met those up to its last look
   * before, and the skip index knows nearly all others.
   */
  async #lastBefore(
    conversation: string,
    from: bigint,
    { entries: met, head }: Page<Stored<M>>,
    latest: LatestMessage<M>,
  ): Promise<LastMessage<M> | undefined> {
    const timeline = this.#store.timeline(conversation);
    const skips = new SkipReader(this.#store, conversation, 'counted');
    const { epoch, last: known, lookedThrough = -1n } = this.#tailOf(conversation);
    const knownThrough = epoch === head.epoch ? lookedThrough : -1n;
    const knownLast = known?.seqId ?? 0n;
    let end = (met.at(-1)?.seqId ?? head.lastSeqId + 1n) - 1n;
    for (let size = FIRST_PAGE; ; size = Math.min(2 * size, MAX_PAGE)) {
      const start = end;
      if (knownThrough >= end && knownLast < end) end = knownLast;
      else if (size > FIRST_PAGE) end = await skips.lastUpTo(end);
      if (end <= from) return undefined;
      // Where a stretch begins, there is a message unless it was deleted.
      const limit = end < start ? TAIL : size;
      const page = await timeline.read({ after: from, before: end + 1n, reverse: true, limit, ...lenient });
      const found = latest.firstOf(page.entries);
      if (found || page.upToDate) return found;
      end = (page.entries.at(-1) as TimelineEntry<Stored<M>>).seqId - 1n;
    }
  }

  async #readNewest(moved: readonly { readonly conversation: string; readonly tail: KnownTail }[]): Promise<void> {
    const pages = await this.#store.readBatch(
      moved.map(({ conversation }) => ({ timeline: conversation, reverse: true, limit: 1 })),
      lenient,
    );
    for (const [i, { entries, head }] of pages.entries()) {
      const { tail } = moved[i] as (typeof moved)[number];
      if (tail.epoch !== head.epoch) tail.lookedThrough = undefined;
      tail.epoch = head.epoch;
      tail.lastSeqId = head.lastSeqId;
      tail.newestAt = entries[0]?.appendedAt ?? 0;
      if (entries.length > 0) continue;
      tail.last = undefined;
      tail.lookedThrough = head.lastSeqId;
    }
  }

  #tailOf(conversation: string): KnownTail {
    const make = () => ({ epoch: '', lastSeqId: 0n, newestAt: 0, last: undefined, lookedThrough: 0n });
    return this.#known.use(conversation, make);
  }
}
