import type { TimelineEntry } from '../../../src/types.js';
import type { Stored } from '../../../sync/types.js';
import type { Setting } from './scenario.js';
import type { Window } from './windows.js';

/** A membership from a join to a leave. The user sees entries after `from` and up to `leftAt`. */
export interface MembershipPeriod {
  readonly joinedAt: bigint;
  readonly from: bigint;
  leftAt: bigint | undefined;
}

export type Entry = TimelineEntry<Stored<string>>;

/** An entry as it was when it was last seen. */
export interface RecordedEntry {
  readonly entry: Entry;
  /** The durable fan-out position had passed it: it has had its effect. */
  readonly isDelivered: boolean;
}

/**
 * One conversation at the end of a run. Derives from all its entries who was a member when, the content that each
 * message should show, and the entries that each user should get.
 */
export class History {
  readonly conversation: string;
  readonly entries: readonly Entry[];
  readonly #setting: Setting;
  readonly #periods = new Map<string, MembershipPeriod[]>();
  /** All entries up to here are gone. */
  readonly goneThrough: bigint;
  /** Entries that were gone before they are known to have had their effect. */
  readonly lost: readonly Entry[];

  constructor(
    conversation: string,
    records: readonly RecordedEntry[],
    goneThrough: bigint,
    setting: Setting,
    users: readonly string[],
  ) {
    this.conversation = conversation;
    this.goneThrough = goneThrough;
    const entries = records.map(({ entry }) => entry);
    this.entries = entries;
    this.lost = records.flatMap(({ entry, isDelivered }) => (isDelivered || entry.seqId > goneThrough ? [] : [entry]));
    this.#setting = setting;
    if (setting.directory === 'listed') {
      for (const user of users) this.#periods.set(user, [{ joinedAt: 0n, from: 0n, leftAt: undefined }]);
    } else for (const entry of entries) this.#follow(entry);
  }

  #follow({ seqId, message }: Entry): void {
    if (message.kind !== 'join' && message.kind !== 'leave') return;
    for (const user of message.users) {
      const periods = this.#periods.get(user) ?? [];
      const last = periods.at(-1);
      const isPresent = last !== undefined && last.leftAt === undefined;
      if (message.kind === 'leave' && isPresent) last.leftAt = seqId;
      if (message.kind === 'join' && !isPresent) {
        const visible = this.#visibleTo(seqId);
        const seen = last?.leftAt ?? 0n;
        this.#periods.set(user, [
          ...periods,
          { joinedAt: seqId, from: seen > visible ? seen : visible, leftAt: undefined },
        ]);
      }
    }
  }

  #visibleTo(joinedAt: bigint): bigint {
    const { newcomers } = this.#setting;
    if (newcomers === 'all') return 0n;
    if (newcomers === 'since-joining') return joinedAt;
    const before = this.messages.filter(({ seqId }) => seqId < joinedAt).slice(-newcomers.last);
    return before.length === 0 ? joinedAt : before[0]!.seqId - 1n;
  }

  get last(): bigint {
    return this.entries.at(-1)?.seqId ?? 0n;
  }

  get messages(): readonly Entry[] {
    return this.entries.filter(({ message }) => message.kind === 'message');
  }

  /** Messages that are still there. */
  get kept(): readonly Entry[] {
    return this.messages.filter(({ seqId }) => seqId > this.goneThrough);
  }

  isGone({ seqId }: Pick<Entry, 'seqId'>): boolean {
    return seqId <= this.goneThrough;
  }

  /** A join or leave of the user was gone before it is known to have had its effect. */
  isUncertain(user: string): boolean {
    return this.lost.some(
      ({ message }) => (message.kind === 'join' || message.kind === 'leave') && message.users.includes(user),
    );
  }

  /** The user's leaves after `seqId` that are gone: nobody knows of them any more. */
  goneLeaves(user: string, seqId: bigint): readonly MembershipPeriod[] {
    return this.periodsOf(user).filter(
      ({ leftAt }) => leftAt !== undefined && leftAt > seqId && this.isGone({ seqId: leftAt }),
    );
  }

  periodsOf(user: string): readonly MembershipPeriod[] {
    return this.#periods.get(user) ?? [];
  }

  /** The period without a leave. */
  currentPeriod(user: string): MembershipPeriod | undefined {
    return this.periodsOf(user).find(({ leftAt }) => leftAt === undefined);
  }

  /** Messages of the period, and edits and recalls of messages that this or another period shows the user. */
  during(user: string, period: MembershipPeriod): readonly Entry[] {
    const isChangeOfHidden = ({ message }: Entry) => 'target' in message && !this.#sees(user, BigInt(message.target));
    return this.entries.filter(
      (entry) =>
        (isDeliverable(entry.message) && isWithin(period, entry.seqId) && !isChangeOfHidden(entry)) ||
        this.#isEventFor(period, entry),
    );
  }

  /** Devices are told of joins and leaves from the own join to the own leave, and of those in the past shown. */
  #isEventFor(period: MembershipPeriod, { seqId, message }: Entry): boolean {
    if (!this.#setting.membershipEvents || (message.kind !== 'join' && message.kind !== 'leave')) return false;
    return isWithin(period, seqId) || seqId === period.joinedAt;
  }

  /** Returns how far a call in this window may have, or must have, known the user as a member. */
  membershipIn(user: string, { appliedThrough, lastSeqId = this.last }: Window): { may: boolean; must: boolean } {
    const isIn = (joinedBy: bigint, notLeftBy: bigint) =>
      this.periodsOf(user).some(
        ({ joinedAt, leftAt }) => joinedAt <= joinedBy && (leftAt === undefined || leftAt > notLeftBy),
      );
    return { may: isIn(lastSeqId, appliedThrough), must: isIn(appliedThrough, lastSeqId) };
  }

  wasMemberAt(user: string, seqId: bigint): boolean {
    return this.periodsOf(user).some(
      ({ joinedAt, leftAt }) => joinedAt < seqId && (leftAt === undefined || seqId <= leftAt),
    );
  }

  #sees(user: string, seqId: bigint): boolean {
    return this.periodsOf(user).some((period) => isWithin(period, seqId));
  }

  /** Describes the first entry that breaks the order. */
  disorder(seqIds: readonly bigint[]): string | undefined {
    const at = seqIds.findIndex((seqId, i) => i > 0 && seqId <= seqIds[i - 1]!);
    return at < 0 ? undefined : `${seqIds[at]} of ${this.conversation} after ${seqIds[at - 1]}`;
  }

  entitled(user: string): readonly Entry[] {
    return this.periodsOf(user).flatMap((period) => this.during(user, period));
  }

  find(seqId: bigint): Entry | undefined {
    return this.entries.find((entry) => entry.seqId === seqId);
  }

  /** `true` if the conversation was certainly in write mode at this entry. */
  isWrittenAt(seqId: bigint): boolean {
    let mode = this.#setting.diffusion === 'read' ? 'read' : 'write';
    for (const entry of this.entries)
      if (entry.seqId < seqId && entry.message.kind === 'mode')
        mode = this.lost.includes(entry) ? 'uncertain' : entry.message.mode;
    return mode === 'write';
  }

  /** The marker before this entry, if the entry was sent in read mode and read mode has ended. */
  formerReadBefore(seqId: bigint): readonly Entry[] {
    const markers = this.entries.filter(({ message }) => message.kind === 'mode');
    const hasEnded = markers.some((marker) => marker.seqId > seqId);
    return this.isWrittenAt(seqId) || !hasEnded ? [] : markers.filter((marker) => marker.seqId < seqId).slice(-1);
  }

  /** The final content of a message: its newest edit, or none once it was recalled. */
  finally(seqId: bigint): {
    readonly body: string | undefined;
    readonly edited: bigint | undefined;
    readonly recalled: bigint | undefined;
  } {
    const changes = this.entries.filter(({ message }) => 'target' in message && BigInt(message.target) === seqId);
    const recalled = changes.find(({ message }) => message.kind === 'recall')?.seqId;
    const edit = changes.filter(({ message }) => message.kind === 'edit').at(-1);
    if (recalled !== undefined) return { body: undefined, edited: undefined, recalled };
    return { body: textOf(edit ?? this.find(seqId)!), edited: edit?.seqId, recalled };
  }
}

function isWithin({ from, leftAt }: MembershipPeriod, seqId: bigint): boolean {
  return seqId > from && (leftAt === undefined || seqId <= leftAt);
}

function isDeliverable(message: Stored<string>): boolean {
  return message.kind === 'message' || message.kind === 'edit' || message.kind === 'recall';
}

/** The text of a message or edit when it was sent, which is its key. */
export function textOf({ key, message }: Entry): string {
  return message.kind === 'recall' ? '' : (key?.slice(2) ?? '');
}
