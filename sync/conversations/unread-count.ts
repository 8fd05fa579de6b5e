import type { TimelineEntry, TimelineStore } from '../../src/index.js';
import { lenient } from '../shared/undecodable.js';
import type { Stored } from '../types.js';

/** Conversations, and entries of each, that are counted in one round trip. */
const CONVERSATIONS_PER_CALL = 50;
const MAX_PAGE = 500;
/** Entries of other kinds that may stand between the messages. */
const SLACK = 16;
/** Entries of a conversation that do not count, own ones included, of which more are not read. */
const MAX_UNCOUNTED = 5000;

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

/**
 * Counts unread messages of a user, in each conversation until there are more than `atMost`, or until
 * {@link MAX_UNCOUNTED} entries did not count. A recall behind that point whose message it has not changed yet is not
 * seen: until then its message counts.
 */
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
        open.map((counter) => ({
          timeline: counter.conversation,
          after: counter.after,
          limit: Math.min(MAX_PAGE, atMost + 1 - counter.count + SLACK + counter.uncounted),
        })),
        lenient,
      );
      open = open.filter((counter, j) => {
        const { entries, upToDate } = pages[j] as (typeof pages)[number];
        for (const entry of entries) counter.visit(entry);
        counter.isAtEnd = upToDate || entries.length === 0;
        return !counter.isAtEnd && counter.count <= atMost && counter.uncounted < MAX_UNCOUNTED;
      });
    }
  }
  return counters.map((counter) => counter.result(atMost));
}

class Counter {
  readonly conversation: string;
  after: bigint;
  isAtEnd = false;
  #visited = 0;
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

  get uncounted(): number {
    return this.#visited - this.count;
  }

  visit({ message, seqId, deleted }: TimelineEntry<Stored<unknown>>): void {
    this.after = seqId;
    this.#visited++;
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
      capped: this.#messages.size > atMost || !this.isAtEnd,
    };
  }
}
