import type { LogState } from './snapshot-log.js';

/** A join or leave of several users, as the log of a conversation holds it. SeqIds are decimal strings. */
export interface MembersChange {
  /** `rebase`: the conversation has lost its entries after `at`. */
  readonly change: 'join' | 'leave' | 'rebase';
  readonly at: string;
  /** See `MembershipChange`. */
  readonly epoch: number;
  /** Of `rebase`: none. */
  readonly users: readonly string[];
  /** For joins: for each user, the SeqId after which the user sees the conversation. */
  readonly from?: readonly string[];
}

/** User, SeqId of the join, SeqId after which the user sees the conversation. */
type Present = readonly [user: string, joinedAt: string, from: string];
type Former = readonly [user: string, joinedAt: string, from: string, leftAt: string];

export interface MembersSnapshot {
  readonly appliedThrough: string;
  readonly epoch: number;
  readonly items: readonly Present[];
  /** Members who have left, and whose last entries some inbox may lack. */
  readonly former: readonly Former[];
}

/** A membership from a join to a leave, or to the present. All values are SeqIds of the conversation. */
interface MembershipPeriod {
  readonly joinedAt: bigint;
  readonly from: bigint;
  leftAt?: bigint;
}

/**
 * The members of one conversation, at present and at earlier entries that may still be under way. Changes may repeat
 * once their key is forgotten. They come in the order of the conversation, so changes that are not newer have no
 * effect.
 */
export class ConversationMembers implements LogState<MembersChange, MembersSnapshot> {
  readonly #periods = new Map<string, MembershipPeriod[]>();
  #count = 0;
  /** SeqId of the last change. */
  appliedThrough = 0n;
  /** Every inbox holds all entries up to here: periods that ended before are not needed. */
  deliveredThrough = 0n;
  /** Of the last change: all that is known holds in it. */
  epoch = 0;
  /** A process that stood still may add changes of these late. */
  readonly #pastEpochs = new Set<number>();
  #restoredThrough = 0n;

  /** The number of present members. */
  get count(): number {
    return this.#count;
  }

  /** Lists the present members; with `at`, those that the entry at that SeqId goes to. */
  list(at: bigint | undefined): string[] {
    return [...this.#periods.keys()].filter((user) => this.has(user, at));
  }

  has(user: string, at: bigint | undefined): boolean {
    const periods = this.#periods.get(user) ?? [];
    return periods.some(({ joinedAt, leftAt }) =>
      at === undefined ? leftAt === undefined : joinedAt < at && (leftAt === undefined || at <= leftAt),
    );
  }

  /** The SeqId after which the user sees the conversation, of the period that shows the entry at `at`. */
  visibleFrom(user: string, at: bigint): bigint | undefined {
    const periods = this.#periods.get(user) ?? [];
    return periods.find(({ from, leftAt }) => from < at && (leftAt === undefined || at <= leftAt))?.from;
  }

  /** The SeqId after which a user sees the conversation who joined at `at`; `undefined` if that join began nothing. */
  visibleAfter(user: string, at: bigint): bigint | undefined {
    return this.#periods.get(user)?.find(({ joinedAt }) => joinedAt === at)?.from;
  }

  apply({ change, at: seqId, users, from = [], epoch }: MembersChange): void {
    const at = BigInt(seqId);
    if (this.#pastEpochs.has(epoch)) return;
    if (change === 'rebase') {
      this.#rebase(at, epoch);
      return;
    }
    if (at <= this.#restoredThrough) return;
    this.epoch = epoch;
    for (const [i, user] of users.entries()) {
      const periods = this.#periods.get(user) ?? [];
      const last = periods.at(-1);
      const isNewer = last === undefined || at > (last.leftAt ?? last.joinedAt);
      if (!isNewer) continue;
      const isPresent = last !== undefined && last.leftAt === undefined;
      if (change === 'join' && !isPresent) {
        this.#periods.set(user, [...periods, { joinedAt: at, from: BigInt(from[i] ?? seqId) }]);
        this.#count++;
      } else if (change === 'leave' && isPresent) {
        last.leftAt = at;
        this.#count--;
      }
    }
    if (at > this.appliedThrough) this.appliedThrough = at;
  }

  /** The users who joined or left behind the SeqId. */
  changedAfter(seqId: bigint): string[] {
    const isChanged = ({ joinedAt, leftAt = 0n }: MembershipPeriod) => joinedAt > seqId || leftAt > seqId;
    return [...this.#periods].flatMap(([user, periods]) => (periods.some(isChanged) ? [user] : []));
  }

  /** Changes behind `end` hold from `end` on. */
  #rebase(end: bigint, epoch: number): void {
    for (const [user, periods] of this.#periods) {
      const moved = periods.map(({ joinedAt, from, leftAt }) => ({
        ...{ joinedAt: least(joinedAt, end), from: least(from, end) },
        ...(leftAt !== undefined && { leftAt: least(leftAt, end) }),
      }));
      this.#periods.set(
        user,
        moved.filter(({ joinedAt, leftAt }) => leftAt === undefined || joinedAt < leftAt),
      );
    }
    this.#pastEpochs.add(this.epoch);
    this.epoch = epoch;
    this.appliedThrough = least(this.appliedThrough, end);
    this.deliveredThrough = least(this.deliveredThrough, end);
    this.#restoredThrough = least(this.#restoredThrough, end);
  }

  clear(): void {
    this.restore({ appliedThrough: '0', epoch: 0, items: [], former: [] });
    this.#pastEpochs.clear();
  }

  restore({ appliedThrough, epoch, items, former }: MembersSnapshot): void {
    this.#periods.clear();
    this.epoch = epoch;
    for (const [user, joinedAt, from, leftAt] of former)
      this.#add(user, { joinedAt: BigInt(joinedAt), from: BigInt(from), leftAt: BigInt(leftAt) });
    for (const [user, joinedAt, from] of items) this.#add(user, { joinedAt: BigInt(joinedAt), from: BigInt(from) });
    this.#count = items.length;
    this.appliedThrough = BigInt(appliedThrough);
    this.#restoredThrough = this.appliedThrough;
  }

  snapshot(): MembersSnapshot {
    const items: Present[] = [];
    const former: Former[] = [];
    for (const user of [...this.#periods.keys()].sort()) {
      for (const { joinedAt, from, leftAt } of this.#periods.get(user) ?? []) {
        const period: Present = [user, String(joinedAt), String(from)];
        if (leftAt === undefined) items.push(period);
        else if (leftAt > this.deliveredThrough) former.push([...period, String(leftAt)]);
      }
    }
    return { appliedThrough: String(this.appliedThrough), epoch: this.epoch, items, former };
  }

  #add(user: string, period: MembershipPeriod): void {
    this.#periods.set(user, [...(this.#periods.get(user) ?? []), period]);
  }
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
