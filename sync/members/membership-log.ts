import type { Timeline } from '../../src/types.js';
import { lenient } from '../shared/undecodable.js';
import type { Stored } from '../types.js';

const PAGE = 1000;

/** One record of a membership log; `users` only in the log of a conversation, `conversation` only in that of a user. */
export interface MembershipRecord {
  readonly change: 'join' | 'leave';
  readonly at: string;
  readonly users?: readonly string[];
  readonly conversation?: string;
  readonly from?: readonly string[];
}

/** A membership from a join to a leave, or to the present. All values are SeqIds of the conversation. */
export interface MembershipPeriod {
  readonly joinedAt: bigint;
  readonly from: bigint;
  leftAt?: bigint;
}

/** Without `at`: `true` for a present member. With `at`: `true` if the entry at that SeqId goes to the member. */
export function isMember({ joinedAt, leftAt }: MembershipPeriod, at: bigint | undefined): boolean {
  return at === undefined ? leftAt === undefined : joinedAt < at && (leftAt === undefined || at <= leftAt);
}

/**
 * The joins and leaves of one conversation or one user, and the periods that result from them. Records may repeat once
 * their key is forgotten. They come in the order of the conversation, so records that are not newer change nothing.
 */
export class MembershipLog<M> {
  /** By user or by conversation, oldest first. */
  readonly periods = new Map<string, MembershipPeriod[]>();
  /** The number of periods without a leave. */
  currentCount = 0;
  /** SeqId of the last change. */
  appliedThrough = 0n;
  readonly #timeline: Timeline<Stored<M>>;
  #readThrough = 0n;
  #loading: Promise<void> | undefined;
  #isLoaded = false;

  constructor(timeline: Timeline<Stored<M>>) {
    this.#timeline = timeline;
  }

  /** Reads the log unless it was read before. */
  async load(): Promise<void> {
    if (!this.#isLoaded) await this.refresh();
  }

  /** Reads new records. Does not join a read under way: that one may have missed the newest record. */
  async refresh(): Promise<void> {
    const earlier = this.#loading;
    const mine = (async () => {
      await earlier?.catch(() => undefined);
      await this.#readOn();
    })();
    this.#loading = mine;
    await mine;
  }

  async #readOn(): Promise<void> {
    for await (const { entries } of this.#timeline.pages({ after: this.#readThrough, pageSize: PAGE, ...lenient })) {
      for (const { message, seqId } of entries) {
        if (message?.kind === 'state') this.#apply(message.state as MembershipRecord);
        this.#readThrough = seqId;
      }
    }
    this.#isLoaded = true;
  }

  #apply({ change, at: seqId, users, conversation, from = [] }: MembershipRecord): void {
    const at = BigInt(seqId);
    for (const [i, name] of (users ?? [conversation as string]).entries()) {
      const periods = this.periods.get(name) ?? [];
      const last = periods.at(-1);
      const isNewer = last === undefined || at > (last.leftAt ?? last.joinedAt);
      if (!isNewer) continue;
      const isPresent = last !== undefined && last.leftAt === undefined;
      if (change === 'join' && !isPresent) {
        this.periods.set(name, [...periods, { joinedAt: at, from: BigInt(from[i] ?? seqId) }]);
        this.currentCount++;
      } else if (change === 'leave' && isPresent) {
        last.leftAt = at;
        this.currentCount--;
      }
    }
    if (at > this.appliedThrough) this.appliedThrough = at;
  }
}
