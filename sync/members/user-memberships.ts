import type { Membership } from '../types.js';
import type { LogState } from './snapshot-log.js';

/** A join or leave of one user, as the log of the user holds it. SeqIds are decimal strings, of the conversation. */
export interface MembershipsChange {
  /** `rebase`: the conversation has lost its entries after `at`. */
  readonly change: 'join' | 'leave' | 'rebase';
  readonly at: string;
  readonly conversation: string;
  /** For joins: the SeqId after which the user sees the conversation. */
  readonly from?: string;
  /** See `MembershipChange`. */
  readonly epoch: number;
}

export interface MembershipsSnapshot {
  readonly items: readonly (readonly [conversation: string, joinedAt: string, from: string, epoch: number])[];
}

/**
 * The present conversations of one user. SeqIds of different conversations have no common order: only the keys of the
 * records keep a late repetition out.
 */
export class UserMemberships implements LogState<MembershipsChange, MembershipsSnapshot> {
  readonly #present = new Map<string, Membership>();
  /** SeqIds of leaves since the newest snapshot. */
  readonly #leftAt = new Map<string, bigint>();

  get count(): number {
    return this.#present.size;
  }

  list(): Membership[] {
    return [...this.#present.values()];
  }

  apply({ change, at: seqId, conversation, from = seqId, epoch }: MembershipsChange): void {
    const at = BigInt(seqId);
    if (change === 'rebase') {
      this.#rebase(conversation, at, epoch);
      return;
    }
    const present = this.#present.get(conversation);
    if (at <= (present?.joinedAt ?? this.#leftAt.get(conversation) ?? 0n)) return;
    if (change === 'leave') {
      this.#present.delete(conversation);
      this.#leftAt.set(conversation, at);
    } else if (!present) this.#present.set(conversation, { conversation, joinedAt: at, from: BigInt(from), epoch });
  }

  /** Changes behind `end` hold from `end` on. */
  #rebase(conversation: string, end: bigint, epoch: number): void {
    const present = this.#present.get(conversation);
    const leftAt = this.#leftAt.get(conversation);
    if (present) {
      const { joinedAt, from } = present;
      this.#present.set(conversation, { conversation, joinedAt: least(joinedAt, end), from: least(from, end), epoch });
    }
    if (leftAt !== undefined) this.#leftAt.set(conversation, least(leftAt, end));
  }

  clear(): void {
    this.restore({ items: [] });
  }

  restore({ items }: MembershipsSnapshot): void {
    this.#present.clear();
    this.#leftAt.clear();
    for (const [conversation, joinedAt, from, epoch] of items)
      this.#present.set(conversation, { conversation, joinedAt: BigInt(joinedAt), from: BigInt(from), epoch });
  }

  snapshot(): MembershipsSnapshot {
    const present = this.list().sort((a, b) => (a.conversation < b.conversation ? -1 : 1));
    return {
      items: present.map(({ conversation, joinedAt, from, epoch = 0 }) => [
        ...([conversation, String(joinedAt), String(from)] as const),
        epoch,
      ]),
    };
  }
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
