import { seqIdOf } from '../../src/index.js';
import { withJson } from '../../src/toolkit/index.js';

import { membershipsOf } from '../members/memberships.js';
import { type Context, checkOpen } from '../shared/context.js';
import { readerOf } from '../shared/names.js';
import type { ConversationSummary, Membership, UnreadTotals } from '../types.js';
import { ConversationTails, type Latest } from './conversation-tails.js';
import { encodeListPosition, type ListPosition } from './list-position.js';
import { ListQueue } from './list-queue.js';
import type { SettingsLog } from './settings-log.js';
import { countUnread } from './unread-count.js';
import type { UserSettings } from './user-settings.js';

/** Conversations that are listed, and whose totals are counted, in one round trip. */
const LISTED_PER_CALL = 50;
const COUNTED_PER_CALL = 500;

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
  readonly readSeqId?: bigint;
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
    for (let left = limit; left > 0; ) {
      const some = await queue.take(Math.min(left, LISTED_PER_CALL));
      if (some.length === 0) return;
      left -= some.length;
      yield* await this.#summaries(user, some, settings, atMost);
    }
  }

  /** Returns the summaries of some conversations, in the order given. */
  async summariesOf(
    user: string,
    wanted: readonly { readonly membership: Membership; readonly readSeqId: bigint }[],
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
      const after = later(membership.from, read[i] as bigint);
      return (heads[i]?.lastSeqId ?? 0n) > after ? [{ conversation: membership.conversation, after }] : [];
    });
    const totals = { messages: 0, mentions: 0, conversations: 0, capped: false };
    const isEnough = () => totals.capped && totals.messages >= atMost;
    for (let i = 0; i < starts.length && !isEnough(); i += COUNTED_PER_CALL) {
      const some = starts.slice(i, i + COUNTED_PER_CALL);
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
    const stored = await this.#readPositions(
      user,
      some.map(({ membership }) => membership),
    );
    const read = stored.map((position, i) => later(position, some[i]?.readSeqId ?? 0n));
    const starts = some.map(({ membership }, i) => ({
      conversation: membership.conversation,
      after: later(membership.from, read[i] as bigint),
    }));
    const behind = starts.filter(({ after }, i) => after < (some[i] as Wanted<M>).latest.lastSeqId);
    const counts = await countUnread(this.#context.store, user, behind, atMost);
    const countOf = new Map(behind.map(({ conversation }, i) => [conversation, counts[i]]));
    return some.map(({ membership: { conversation }, latest: { lastSeqId, last } }, i) => {
      const { pinned, muted, archived } = settings.of(conversation);
      return withJson({
        conversation,
        ...(last && { last }),
        lastSeqId,
        readSeqId: read[i] as bigint,
        ...(countOf.get(conversation) ?? { unread: 0, mentions: 0, capped: false }),
        settings: { muted, archived, pinned },
        next: encodeListPosition({ pinned, sentAt: last?.sentAt ?? 0, conversation }),
      });
    });
  }

  async #readPositions(user: string, memberships: readonly Membership[]): Promise<bigint[]> {
    const reader = readerOf.user(user);
    const items = memberships.map(({ conversation }) => ({ timeline: conversation, reader }));
    const cursors = await this.#context.store.checkpoints(items);
    return cursors.map((cursor) => (cursor === undefined ? 0n : seqIdOf(cursor)));
  }
}

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
