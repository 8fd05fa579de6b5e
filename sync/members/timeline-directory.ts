import { isTimelineError } from '../../src/errors.js';
import { checkObject } from '../../src/text.js';
import type { Timeline, TimelineStore } from '../../src/types.js';
import { RecentMap } from '../shared/listing.js';
import { timelineOf } from '../shared/names.js';
import { lenient } from '../shared/undecodable.js';
import type { Directory, Membership, Stored } from '../types.js';

/** Conversations and users whose membership is held in memory. */
const ROSTERS = 2000;
const PAGE = 1000;

/** One record of a membership log; `users` only in a conversation's, `conversation` only in a user's. */
interface Change {
  readonly change: 'join' | 'leave';
  readonly at: string;
  readonly users?: readonly string[];
  readonly conversation?: string;
  readonly from?: readonly string[];
}

/** A stay in a conversation: joined at one of its SeqIds, and perhaps left at another. */
interface Stay {
  readonly joinedAt: bigint;
  readonly from: bigint;
  leftAt?: bigint;
}

/**
 * A directory that keeps memberships as Timelines of `store`, which may be the store library: joins and leaves per
 * conversation and per user, each at its place in the conversation. Change them by `sync.join` and `sync.leave`.
 */
export function timelineDirectory<M>(options: { readonly store: TimelineStore<Stored<M>> }): Required<Directory> {
  const { store } = checkObject(options, 'options');
  const rosters = new RecentMap<string, Log<M>>(ROSTERS);
  const lists = new RecentMap<string, Log<M>>(ROSTERS);
  const rosterOf = (conversation: string) =>
    rosters.use(conversation, () => new Log(store.timeline(timelineOf.members(conversation))));
  const listOf = (user: string) => lists.use(user, () => new Log(store.timeline(timelineOf.memberships(user))));

  return {
    async members(conversation, options) {
      const at = options?.at;
      const roster = rosterOf(conversation);
      await (at === undefined ? roster.refresh() : roster.loaded());
      const users: string[] = [];
      for (const [user, stays] of roster.stays) if (stays.some((stay) => holds(stay, at))) users.push(user);
      return users;
    },

    async conversations(user) {
      const list = listOf(user);
      await list.refresh();
      const memberships: Membership[] = [];
      for (const [conversation, stays] of list.stays) {
        const stay = stays.at(-1) as Stay;
        if (stay.leftAt === undefined) memberships.push({ conversation, joinedAt: stay.joinedAt, from: stay.from });
      }
      return memberships;
    },

    async size(conversation) {
      const roster = rosterOf(conversation);
      await roster.loaded();
      return roster.present;
    },

    async refresh(conversation) {
      await rosterOf(conversation).refresh();
    },

    async seenThrough(conversation, user, at) {
      const roster = rosterOf(conversation);
      await roster.loaded();
      let seen = 0n;
      for (const { joinedAt, leftAt = at } of roster.stays.get(user) ?? []) {
        if (joinedAt < at && leftAt > seen) seen = leftAt < at ? leftAt : at;
      }
      return seen;
    },

    async apply(conversation, change) {
      const roster = rosterOf(conversation);
      await roster.loaded();
      if (roster.appliedAt >= change.at) await roster.refresh();
      const at = String(change.at);
      const state = (fields: Partial<Change>) => ({
        kind: 'state' as const,
        state: { change: change.kind, at, ...fields } satisfies Change,
      });
      const items = change.users.map((user, i) => ({
        timeline: timelineOf.memberships(user),
        message: state({ conversation, ...(change.from && { from: [String(change.from[i])] }) }),
        key: `${at}@${conversation}`,
      }));
      for (let i = 0; i < items.length; i += PAGE) {
        for (const outcome of await store.appendBatch(items.slice(i, i + PAGE)))
          if (!outcome.ok) isApplied(outcome.error);
      }
      const record = state({ users: change.users, ...(change.from && { from: change.from.map(String) }) });
      await store.timeline(timelineOf.members(conversation)).append(record, { key: at }).catch(isApplied);
      await roster.refresh();
    },
  };
}

/** Whoever applied the change first may have let its users see another part of the past: that stands. */
function isApplied(error: unknown): void {
  if (!isTimelineError(error) || error.code !== 'TIMELINE_KEY_CONFLICT') throw error;
}

/** Without `at`: is it going on? With it: did it hold for the entry at that place? */
function holds({ joinedAt, leftAt }: Stay, at: bigint | undefined): boolean {
  return at === undefined ? leftAt === undefined : joinedAt < at && (leftAt === undefined || at <= leftAt);
}

/**
 * A membership log and what it amounts to. Records repeat when a key outlived its window; they come in the order of the
 * conversation, so those that are not newer change nothing.
 */
class Log<M> {
  /** By user or conversation, oldest stay first. */
  readonly stays = new Map<string, Stay[]>();
  /** How many stays go on. */
  present = 0;
  appliedAt = 0n;
  readonly #timeline: Timeline<Stored<M>>;
  #read = 0n;
  #loading: Promise<void> | undefined;
  #isLoaded = false;

  constructor(timeline: Timeline<Stored<M>>) {
    this.#timeline = timeline;
  }

  async loaded(): Promise<void> {
    if (!this.#isLoaded) await this.refresh();
  }

  /** Calls that come while one is under way need a look of their own: it may have passed what they ask for. */
  async refresh(): Promise<void> {
    const earlier = this.#loading;
    const mine = (async () => {
      await earlier?.catch(() => undefined);
      await this.#load();
    })();
    this.#loading = mine;
    await mine;
  }

  async #load(): Promise<void> {
    for await (const { entries } of this.#timeline.pages({ after: this.#read, pageSize: PAGE, ...lenient })) {
      for (const { message, seqId } of entries) {
        if (message?.kind === 'state') this.#apply(message.state as Change);
        this.#read = seqId;
      }
    }
    this.#isLoaded = true;
  }

  #apply({ change, at: place, users, conversation, from = [] }: Change): void {
    const at = BigInt(place);
    for (const [i, name] of (users ?? [conversation as string]).entries()) {
      const stays = this.stays.get(name) ?? [];
      const last = stays.at(-1);
      const isNewer = last === undefined || at > (last.leftAt ?? last.joinedAt);
      if (!isNewer) continue;
      const isPresent = last !== undefined && last.leftAt === undefined;
      if (change === 'join' && !isPresent) {
        this.stays.set(name, [...stays, { joinedAt: at, from: BigInt(from[i] ?? place) }]);
        this.present++;
      } else if (change === 'leave' && isPresent) {
        last.leftAt = at;
        this.present--;
      }
    }
    if (at > this.appliedAt) this.appliedAt = at;
  }
}
