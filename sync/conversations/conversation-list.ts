import type { Cursor, Head } from '../../src/index.js';
import { withJson } from '../../src/toolkit/index.js';
import { membershipsOf } from '../members/memberships.js';
import { type Context, checkOpen } from '../shared/context.js';
import { heldSeqId } from '../shared/epochs.js';
import { readerOf } from '../shared/names.js';
import type { ConversationSummary, Membership, UnreadTotals } from '../types.js';
import { ConversationTails, type Latest } from './conversation-tails.js';
import { encodeListPosition, type ListPosition } from './list-position.js';
import { ListQueue } from './list-queue.js';
import type { SettingsLog } from './settings-log.js';
import { countUnread, type UnreadCount } from './unread-count.js';
import type { UserSettings } from './user-settings.js';

/** Conversations that are listed in the first round trips, and then in later ones: few callers want all. */
const FIRST_LISTED = 50;
const MAX_LISTED = 500;
/** Conversations whose totals are counted at once. */
const COUNTED_AT_ONCE = 1000;

export interface ListRange {
  readonly limit: number;
  readonly after: ListPosition | undefined;
  readonly atMost: number;
}

/** A conversation whose summary is wanted. */
interface Wanted<M> {
  readonly membership: Membership;
  readonly latest: Latest<M>;
  /** A read position that is known already, whether or not it is stored. */
  readonly readPosition?: Cursor | undefined;
}

/** Lists a user's conversations with their unread messages, counted from the conversations themselves. */
export class ConversationList<M> {
  readonly #context: Context<M>;
  readonly #settings: SettingsLog<M>;
  readonly #tails: ConversationTails<M>;

  constructor(context: Context<M>, settings: SettingsLog<M>) {
    this.#context = context;
    this.#settings = settings;
    this.#tails = new ConversationTails(context.store);
  }

  async *of(user: string, range: ListRange): AsyncGenerator<ConversationSummary<M>, void, undefined> {
    const { limit, after, atMost } = range;
    checkOpen(this.#context);
    const [memberships, settings] = await this.#membershipsAndSettings(user);
    const tails = await this.#tails.visible(memberships);
    const candidates = memberships.map((membership, i) => ({
      membership,
      tail: tails[i] as (typeof tails)[number],
      pinned: settings.of(membership.conversation).pinned,
    }));
    const queue = new ListQueue(this.#tails, candidates, after);
    let left = limit;
    let size = FIRST_LISTED;
    const next = async () => {
      const some = await queue.take(Math.min(left, size));
      left -= some.length;
      size = Math.min(2 * size, MAX_LISTED);
      return this.#summaries(user, some, settings, atMost);
    };
    yield* inAdvance(next);
  }

  /** Returns the summary of a conversation that the user's list has. */
  async one(user: string, conversation: string, atMost: number): Promise<ConversationSummary<M> | undefined> {
    const memberships = await membershipsOf(this.#context.directory, user);
    const membership = memberships.find((each) => each.conversation === conversation);
    if (!membership) return undefined;
    return (await this.summariesOf(user, [{ membership }], atMost))[0];
  }

  /** Returns the summaries of some conversations, in the order given. */
  async summariesOf(
    user: string,
    wanted: readonly Pick<Wanted<M>, 'membership' | 'readPosition'>[],
    atMost: number,
  ): Promise<ConversationSummary<M>[]> {
    const memberships = wanted.map(({ membership }) => membership);
    const [settings, latest] = await Promise.all([this.#settings.read(user), this.#tails.latest(memberships)]);
    const some = wanted.map((each, i) => ({ ...each, latest: latest[i] as Latest<M> }));
    return this.#summaries(user, some, settings, atMost);
  }

  async totals(user: string, atMost: number): Promise<UnreadTotals> {
    checkOpen(this.#context);
    const { store } = this.#context;
    const [memberships, settings] = await this.#membershipsAndSettings(user);
    const counted = memberships.filter(({ conversation }) => {
      const { muted, archived } = settings.of(conversation);
      return !muted && !archived;
    });
    const [heads, read] = await Promise.all([
      store.heads(counted.map(({ conversation }) => conversation)),
      this.#readPositions(user, counted),
    ]);
    const starts = counted.flatMap((membership, i) => {
      const head = heads[i] as Head;
      const after = later(membership.from, heldSeqId(head, read[i]));
      const through = head.lastSeqId;
      return through > after ? [{ conversation: membership.conversation, after, through }] : [];
    });
    const totals = { messages: 0, mentions: 0, conversations: 0, capped: false };
    const isEnough = () => totals.capped && totals.messages >= atMost;
    for (let i = 0; i < starts.length && !isEnough(); i += COUNTED_AT_ONCE) {
      const some = starts.slice(i, i + COUNTED_AT_ONCE);
      for (const { unread, mentions, capped } of await countUnread(
        store,
        user,
        some,
        Math.max(0, atMost - totals.messages),
      )) {
        totals.messages += unread;
        totals.mentions += mentions;
        if (unread > 0) totals.conversations++;
        totals.capped ||= capped;
      }
      totals.capped ||= totals.messages > atMost;
    }
    return withJson({ ...totals, messages: Math.min(totals.messages, atMost) });
  }

  #membershipsAndSettings(user: string): Promise<[Membership[], UserSettings]> {
    return Promise.all([membershipsOf(this.#context.directory, user), this.#settings.read(user)]);
  }

  async #summaries(
    user: string,
    some: readonly Wanted<M>[],
    settings: UserSettings,
    atMost: number,
  ): Promise<ConversationSummary<M>[]> {
    if (some.length === 0) return [];
    const stored = await this.#readPositions(
      user,
      some.map(({ membership }) => membership),
    );
    const read = some.map(({ latest: { head }, readPosition }, i) =>
      later(heldSeqId(head, stored[i]), heldSeqId(head, readPosition)),
    );
    const starts = some.map(({ membership: { conversation, from }, latest }, i) => {
      const { countedThrough: through, tail, tailAfter, recalls } = latest;
      return { conversation, after: later(from, read[i] as bigint), through, tail, tailAfter, recalls };
    });
    const counts = await countUnread(this.#context.store, user, starts, atMost);
    return some.map(({ membership: { conversation }, latest: { head, last } }, i) => {
      const { pinned, muted, archived } = settings.of(conversation);
      return withJson({
        conversation,
        ...(last && { last }),
        lastSeqId: head.lastSeqId,
        readSeqId: read[i] as bigint,
        ...(counts[i] as UnreadCount),
        settings: { muted, archived, pinned },
        next: encodeListPosition({ pinned, sentAt: last?.sentAt ?? 0, conversation }),
      });
    });
  }

  #readPositions(user: string, memberships: readonly Membership[]): Promise<(Cursor | undefined)[]> {
    const reader = readerOf.user(user);
    return this.#context.store.checkpoints(memberships.map(({ conversation }) => ({ timeline: conversation, reader })));
  }
}

/** Yields the items of groups until one is empty. From the second on, a group is under way while another is used. */
async function* inAdvance<T>(next: () => Promise<readonly T[]>): AsyncGenerator<T, void, undefined> {
  let group = await next();
  for (let isFirst = true; group.length > 0; isFirst = false) {
    const following = isFirst ? undefined : next();
    // The caller may not come for it.
    following?.catch(() => undefined);
    yield* group;
    group = await (following ?? next());
  }
}

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
