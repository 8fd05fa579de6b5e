import type { Page, TimelineEntry, TimelineStore } from '../../src/index.js';
import { isCounted } from '../shared/message-kinds.js';
import { SkipReader } from '../shared/skip-index.js';
import { lenient } from '../shared/undecodable.js';
import type { Stored } from '../types.js';

/** Conversations, and entries, that are read in one round trip. Two are under way at once. */
const CONVERSATIONS_PER_CALL = 1000;
const ENTRIES_PER_CALL = 10_000;
const CALLS_AT_ONCE = 2;
const MAX_PAGE = 500;
/** Entries of other kinds that may stand between the messages. */
const SLACK = 16;
/** So many entries of which none counts are reason to look into the skip index. */
const LEAST_FRUITLESS = 64;
/** Entries of a conversation that do not count, own ones included, of which more are not read. */
const MAX_UNCOUNTED = 5000;

/** Where counting begins. */
export interface UnreadStart {
  readonly conversation: string;
  /** SeqId of the last entry that the user has read or does not see. */
  readonly after: bigint;
  /** SeqId of the last entry that may count. */
  readonly through: bigint;
  /** Entries that are read already: all after `tailAfter`, newest first. */
  readonly tail?: readonly TimelineEntry<Stored<unknown>>[] | undefined;
  readonly tailAfter?: bigint;
  /** SeqIds of messages that entries after `through` recall. */
  readonly recalls?: ReadonlySet<string>;
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
  const counters = starts.map((start) => new Counter(start, user, atMost));
  const open = counters.filter(({ isDone }) => !isDone);
  const run = async () => {
    while (open.length > 0) {
      const some = open.splice(0, sizeOfCall(open));
      const pages = await store.readBatch(
        some.map((counter) => ({ timeline: counter.conversation, after: counter.after, limit: counter.limit })),
        lenient,
      );
      for (const [i, counter] of some.entries()) counter.visitPage(pages[i] as Page<Stored<M>>);
      await Promise.all(some.filter(({ isFruitless }) => isFruitless).map((counter) => counter.skip(store)));
      open.unshift(...some.filter(({ isDone }) => !isDone));
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, run));
  return counters.map((counter) => counter.result());
}

/** Returns the number of counters, at least one, whose pages fit into one call. */
function sizeOfCall(counters: readonly Counter[]): number {
  let entries = 0;
  const tooMany = counters.findIndex(({ limit }, i) => {
    entries += limit;
    return i >= CONVERSATIONS_PER_CALL || (i > 0 && entries > ENTRIES_PER_CALL);
  });
  return tooMany < 0 ? counters.length : tooMany;
}

class Counter {
  readonly conversation: string;
  after: bigint;
  #isAtEnd: boolean;
  #visited = 0;
  #fruitless = 0;
  #skips: SkipReader<unknown> | undefined;
  readonly #through: bigint;
  readonly #recalls: ReadonlySet<string> | undefined;
  readonly #user: string;
  readonly #atMost: number;
  /** SeqIds of unread messages, and `true` for those that mention the user. */
  readonly #messages = new Map<bigint, boolean>();

  constructor(start: UnreadStart, user: string, atMost: number) {
    const { conversation, after, through, tail, tailAfter, recalls } = start;
    this.conversation = conversation;
    this.after = after;
    this.#user = user;
    this.#atMost = atMost;
    this.#through = through;
    this.#recalls = recalls;
    this.#isAtEnd = after >= through;
    if (!tail || tailAfter === undefined || tailAfter > after) return;
    for (const entry of [...tail].reverse()) if (entry.seqId > after) this.#visit(entry);
    this.#isAtEnd = true;
  }

  get isDone(): boolean {
    return this.#isAtEnd || this.#messages.size > this.#atMost || this.#uncounted >= MAX_UNCOUNTED;
  }

  /** Entries of the next page. */
  get limit(): number {
    const wanted = this.#atMost + 1 - this.#messages.size + SLACK + this.#uncounted;
    const left = this.#through - this.after;
    return Math.min(MAX_PAGE, wanted, left < MAX_PAGE ? Number(left) : MAX_PAGE);
  }

  get #uncounted(): number {
    return this.#visited - this.#messages.size;
  }

  /** `true` if it met no message for a while, and goes on. */
  get isFruitless(): boolean {
    return this.#fruitless >= LEAST_FRUITLESS && !this.isDone;
  }

  /** Goes on behind entries that are known to be no messages. */
  async skip<M>(store: TimelineStore<Stored<M>>): Promise<void> {
    this.#skips ??= new SkipReader<M>(store, this.conversation, 'counted') as SkipReader<unknown>;
    this.after = await this.#skips.lastBefore(this.after);
    this.#isAtEnd = this.after >= this.#through;
  }

  visitPage({ entries, upToDate }: Page<Stored<unknown>>): void {
    const { size } = this.#messages;
    for (const entry of entries) this.#visit(entry);
    this.#fruitless = this.#messages.size === size ? this.#fruitless + entries.length : 0;
    this.#isAtEnd = upToDate || entries.length === 0 || this.after >= this.#through;
  }

  #visit(entry: TimelineEntry<Stored<unknown>>): void {
    const { message, seqId, deleted } = entry;
    this.after = seqId;
    this.#visited++;
    if (deleted) return;
    // The recall may not be applied to its message yet.
    if (message.kind === 'recall') this.#messages.delete(BigInt(message.target));
    if (message.kind !== 'message' || !isCounted(entry) || message.recalled !== undefined) return;
    const { sender, mentions = [] } = message;
    if (sender !== this.#user && !this.#recalls?.has(String(seqId)))
      this.#messages.set(seqId, mentions.includes(this.#user));
  }

  result(): UnreadCount {
    const counted = [...this.#messages.values()].slice(0, this.#atMost);
    return {
      unread: counted.length,
      mentions: counted.filter((isMention) => isMention).length,
      capped: this.#messages.size > this.#atMost || !this.#isAtEnd,
    };
  }
}
