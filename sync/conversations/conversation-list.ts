import { seqIdOf } from '../../src/cursor.js';
import { isTimelineError } from '../../src/errors.js';
import type { Cursor, Page, TimelineEntry } from '../../src/types.js';
import { membershipsOf } from '../members/memberships.js';
import { type Context, checkOpen } from '../shared/context.js';
import { readerOf } from '../shared/names.js';
import { lenient } from '../shared/undecodable.js';
import type { ConversationSummary, Membership, Stored } from '../types.js';

/** Conversations looked at in one round trip, and those counted in one. */
const BATCH = 500;
const COUNTED = 50;
/** Entries in which the last message is looked for first, and those counted at once. */
const TAIL = 4;
const PAGE = 500;

interface Latest<M> {
  readonly membership: Membership;
  readonly lastSeqId: bigint;
  readonly last: TimelineEntry<Stored<M>> | undefined;
}

/** A user's conversations with what is unread in them, counted from the conversations themselves. */
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
    for (let i = 0; i < memberships.length; i += BATCH)
      latest.push(...(await this.#latest(memberships.slice(i, i + BATCH))));
    latest.sort((a, b) => (b.last?.appendedAt ?? 0) - (a.last?.appendedAt ?? 0));
    for (let i = 0; i < latest.length; i += COUNTED) {
      const some = latest.slice(i, i + COUNTED);
      const reader = readerOf.user(user);
      const read = await store.checkpoints(
        some.map(({ membership }) => ({ timeline: membership.conversation, reader })),
      );
      const unread = await this.#unread(user, some, read);
      yield* some.map((each, j) => summary(each, read[j], unread[j] as number));
    }
  }

  /** Law Checkpoint. The inbox tells the user's other devices. */
  async markRead(user: string, conversation: string, seqId: bigint): Promise<bigint> {
    const { store, sync } = this.#context;
    const checkpoint = store.timeline(conversation).checkpoint(readerOf.user(user));
    const stands = await checkpoint.advance(seqId).catch(async (error: unknown) => {
      if (!isTimelineError(error) || error.code !== 'TIMELINE_EPOCH_CHANGED') throw error;
      await checkpoint.reset(seqId);
      return (await checkpoint.get()) as Cursor;
    });
    const read = seqIdOf(stands);
    if (read > 0n) {
      const note = { kind: 'read', conversation, seqId: String(read) } as const;
      await sync.timeline(user).append(note, { key: `read:${read}@${conversation}` });
    }
    return read;
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

  /** Messages of others behind the read position that nobody took back; a recall counts before it has been applied. */
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
  if (last?.message.kind !== 'message') return counted;
  const { sender, body } = last.message;
  return {
    ...counted,
    last: { seqId: last.seqId, sender, sentAt: last.appendedAt, ...(body !== undefined && { body }) },
  };
}
