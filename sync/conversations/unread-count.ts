import type { TimelineEntry, TimelineStore } from '../../src/index.js';
import { lenient } from '../shared/undecodable.js';
import type { Stored } from '../types.js';

/** Conversations, and entries of each, that are counted in one round trip. */
const CONVERSATIONS_PER_CALL = 50;
const MAX_PAGE = 500;
/** Entries of other kinds that may stand between the messages. */
const SLACK = 16;

/** Where counting begins. */
export interface UnreadStart {
  readonly conversation: string;
  /** SeqId of the last entry that the user has read or does not see. */
  readonly after: bigint;
}

export interface UnreadCount {
  readonly unread: number;
  readonly mentions: number;
  readonly capped: boolean;
}

/** Counts unread messages of a user, in each conversation until there are more than `atMost`. */
export async function countUnread<M>(
  store: TimelineStore<Stored<M>>,
  user: string,
  starts: readonly UnreadStart[],
  atMost: number,
): Promise<UnreadCount[]> {
  const counters = starts.map(({ conversation, after }) => new Counter(conversation, user, after));
  for (let i = 0; i < counters.length; i += CONVERSATIONS_PER_CALL) {
    let open = counters.slice(i, i + CONVERSATIONS_PER_CALL);
    while (open.length > 0) {
      const pages = await store.readBatch(
        open.map(({ conversation, after, count }) => ({
          timeline: conversation,
          after,
          limit: Math.min(MAX_PAGE, atMost + 1 - count + SLACK),
        })),
        lenient,
      );
      open = open.filter((counter, j) => {
        const { entries, upToDate } = pages[j] as (typeof pages)[number];
        for (const entry of entries) counter.visit(entry);
        return !upToDate && entries.length > 0 && counter.count <= atMost;
      });
    }
  }
  return counters.map((counter) => counter.result(atMost));
}

class Counter {
  readonly conversation: string;
  after: bigint;
  readonly #user: string;
  /** SeqIds of unread messages, and `true` for those that mention the user. */
  readonly #messages = new Map<bigint, boolean>();

  constructor(conversation: string, user: string, after: bigint) {
    this.conversation = conversation;
    this.#user = user;
    this.after = after;
  }

  get count(): number {
    return this.#messages.size;
  }

  visit({ message, seqId, deleted }: TimelineEntry<Stored<unknown>>): void {
    this.after = seqId;
    if (deleted) return;
    // The recall may not be applied to its message yet.
    if (message.kind === 'recall') this.#messages.delete(BigInt(message.target));
    if (message.kind !== 'message' || message.recalled !== undefined) return;
    const { sender, countable, mentions = [] } = message;
    if (sender !== this.#user && countable !== false) this.#messages.set(seqId, mentions.includes(this.#user));
  }

  result(atMost: number): UnreadCount {
    const counted = [...this.#messages.values()].slice(0, atMost);
    return {
      unread: counted.length,
      mentions: counted.filter((isMention) => isMention).length,
      capped: this.#messages.size > atMost,
    };
  }
}
