import { type Cursor, type Page, seqIdOf, type TimelineEntry } from '../../src/index.js';
import { withJson } from '../../src/toolkit/index.js';
import { membershipsOf } from '../members/memberships.js';
import { type Context, checkOpen } from '../shared/context.js';
import { readerOf } from '../shared/names.js';
import { lenient } from '../shared/undecodable.js';
import type { ConversationSummary, Membership, Stored } from '../types.js';

/** Conversations in one round trip, when their last messages are read and when unread messages are counted. */
const CONVERSATIONS_PER_CALL = 500;
const COUNTED_PER_CALL = 50;
/** Entries at the end of a conversation that are searched for the last message first. */
const TAIL = 4;
/** Entries of each conversation that one round trip counts. */
const PAGE = 500;

interface Latest<M> {
  readonly membership: Membership;
  readonly lastSeqId: bigint;
  readonly last: TimelineEntry<Stored<M>> | undefined;
}

/** Lists a user's conversations with their unread messages, counted from the conversations themselves. */
export class ConversationList<M> {
  readonly #context: Context<M>;

  constructor(context: Context<M>) {
    this.#context = context;
  }

  async *of(user: string): AsyncGenerator<ConversationSummary<M>, void, undefined> {
    checkOpen(this.#context);
    const { store, directory } = this.#context;
    const memberships = await membershipsOf(directory, user);
    const latest: Latest<M>[] = [];
    for (let i = 0; i < memberships.length; i += CONVERSATIONS_PER_CALL)
      latest.push(...(await this.#latest(memberships.slice(i, i + CONVERSATIONS_PER_CALL))));
    latest.sort((a, b) => (b.last?.appendedAt ?? 0) - (a.last?.appendedAt ?? 0));
    for (let i = 0; i < latest.length; i += COUNTED_PER_CALL) {
      const some = latest.slice(i, i + COUNTED_PER_CALL);
      const reader = readerOf.user(user);
      const read = await store.checkpoints(
        some.map(({ membership }) => ({ timeline: membership.conversation, reader })),
      );
      const unread = await this.#unread(user, some, read);
      yield* some.map((each, j) => summary(each, read[j], unread[j] as number));
    }
  }

  async #latest(memberships: readonly Membership[]): Promise<Latest<M>[]> {
    const { store } = this.#context;
    const pages = await store.readBatch(
      memberships.map(({ conversation, from }) => ({
        timeline: conversation,
        after: from,
        reverse: true,
        limit: TAIL,
      })),
      lenient,
    );
    return Promise.all(
      memberships.map(async (membership, i) => {
        const page = pages[i] as Page<Stored<M>>;
        let last = page.entries.find(isMessage);
        if (!last && !page.upToDate) {
          const { conversation, from } = membership;
          for await (const entry of store
            .timeline(conversation)
            .scan({ after: from, before: page.next, reverse: true, ...lenient })) {
            if (!isMessage(entry)) continue;
            last = entry;
            break;
          }
        }
        return { membership, lastSeqId: page.head.lastSeqId, last };
      }),
    );
  }

  /** Counts messages of others after the read position, without recalled ones, whether or not the recall is applied. */
  async #unread(user: string, some: readonly Latest<M>[], read: readonly (Cursor | undefined)[]): Promise<number[]> {
    const { store } = this.#context;
    const counts = some.map(() => new Set<bigint>());
    let open = some.flatMap(({ membership: { conversation, from } }, i) => {
      const position = read[i];
      const readSeqId = position === undefined ? 0n : seqIdOf(position);
      return [{ i, timeline: conversation, after: readSeqId > from ? readSeqId : from }];
    });
    while (open.length > 0) {
      const pages = await store.readBatch(
        open.map(({ timeline, after }) => ({ timeline, after, limit: PAGE })),
        lenient,
      );
      open = open.flatMap(({ i, timeline }, j) => {
        const page = pages[j] as Page<Stored<M>>;
        const counted = counts[i] as Set<bigint>;
        for (const { message, seqId, deleted } of page.entries) {
          if (deleted) continue;
          if (message.kind === 'message' && message.sender !== user) counted.add(seqId);
          if (message.kind === 'recall') counted.delete(BigInt(message.target));
        }
        const last = page.entries.at(-1);
        return page.upToDate || !last ? [] : [{ i, timeline, after: last.seqId }];
      });
    }
    return counts.map(({ size }) => size);
  }
}

function isMessage(entry: TimelineEntry<Stored<unknown>>): boolean {
  return !entry.deleted && entry.message.kind === 'message';
}

function summary<M>(
  { membership, lastSeqId, last }: Latest<M>,
  read: Cursor | undefined,
  unread: number,
): ConversationSummary<M> {
  const counted = {
    conversation: membership.conversation,
    lastSeqId,
    readSeqId: read === undefined ? 0n : seqIdOf(read),
    unread,
  };
  if (last?.message.kind !== 'message') return withJson(counted);
  const { sender, body } = last.message;
  return withJson({
    ...counted,
    last: withJson({ seqId: last.seqId, sender, sentAt: last.appendedAt, ...(body !== undefined && { body }) }),
  });
}
