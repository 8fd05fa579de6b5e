import type { TimelineEntry } from '../../../src/types.js';
import type { Stored } from '../../../sync/types.js';
import type { Setting } from './scenario.js';

/** The time that a user is in a conversation: sees what comes after `from` and up to `leftAt`. */
export interface Stay {
  readonly joinedAt: bigint;
  readonly from: bigint;
  leftAt: bigint | undefined;
}

export type Entry = TimelineEntry<Stored<string>>;

/**
 * One conversation as it ended up, and by plain reasoning over all of it: who was in it when, what each message should
 * show, and what each user was entitled to.
 */
export class History {
  readonly conversation: string;
  readonly entries: readonly Entry[];
  readonly #setting: Setting;
  readonly #stays = new Map<string, Stay[]>();

  constructor(conversation: string, entries: readonly Entry[], setting: Setting, users: readonly string[]) {
    this.conversation = conversation;
    this.entries = entries;
    this.#setting = setting;
    if (setting.directory === 'listed') {
      for (const user of users) this.#stays.set(user, [{ joinedAt: 0n, from: 0n, leftAt: undefined }]);
    } else for (const entry of entries) this.#follow(entry);
  }

  #follow({ seqId, message }: Entry): void {
    if (message.kind !== 'join' && message.kind !== 'leave') return;
    for (const user of message.users) {
      const stays = this.#stays.get(user) ?? [];
      const last = stays.at(-1);
      const isPresent = last !== undefined && last.leftAt === undefined;
      if (message.kind === 'leave' && isPresent) last.leftAt = seqId;
      if (message.kind === 'join' && !isPresent) {
        const visible = this.#visibleTo(seqId);
        const seen = last?.leftAt ?? 0n;
        this.#stays.set(user, [
          ...stays,
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

  staysOf(user: string): readonly Stay[] {
    return this.#stays.get(user) ?? [];
  }

  /** The stay that goes on. */
  presentStay(user: string): Stay | undefined {
    return this.staysOf(user).find(({ leftAt }) => leftAt === undefined);
  }

  /** Messages, edits and recalls that fall into the stay. */
  during({ from, leftAt }: Stay): readonly Entry[] {
    return this.entries.filter(
      ({ seqId, message }) => isDiffused(message) && seqId > from && (leftAt === undefined || seqId <= leftAt),
    );
  }

  isMemberAt(user: string, seqId: bigint): boolean {
    return this.staysOf(user).some(
      ({ joinedAt, leftAt }) => joinedAt < seqId && (leftAt === undefined || seqId <= leftAt),
    );
  }

  /** Did the user send this without being a member? Senders get what they send, ahead of what they see by joining again. */
  isOutsider(user: string, seqId: bigint): boolean {
    const { message } = this.find(seqId) ?? {};
    return !this.isMemberAt(user, seqId) && message !== undefined && 'sender' in message && message.sender === user;
  }

  /** What breaks the order. */
  disorder(user: string, seqIds: readonly bigint[]): string | undefined {
    const ordered = seqIds.filter((seqId) => !this.isOutsider(user, seqId));
    const at = ordered.findIndex((seqId, i) => i > 0 && seqId <= ordered[i - 1]!);
    return at < 0 ? undefined : `${ordered[at]} of ${this.conversation} after ${ordered[at - 1]}`;
  }

  entitled(user: string): readonly Entry[] {
    return this.staysOf(user).flatMap((stay) => this.during(stay));
  }

  find(seqId: bigint): Entry | undefined {
    return this.entries.find((entry) => entry.seqId === seqId);
  }

  /** Was the conversation diffused to inboxes at this place? */
  isWrittenAt(seqId: bigint): boolean {
    let mode = this.#setting.diffusion === 'read' ? 'read' : 'write';
    for (const entry of this.entries)
      if (entry.seqId < seqId && entry.message.kind === 'mode') mode = entry.message.mode;
    return mode === 'write';
  }

  /** The marker of the time of read diffusion that this place lies in, if that time has ended. */
  formerReadBefore(seqId: bigint): readonly Entry[] {
    const markers = this.entries.filter(({ message }) => message.kind === 'mode');
    const hasEnded = markers.some((marker) => marker.seqId > seqId);
    return this.isWrittenAt(seqId) || !hasEnded ? [] : markers.filter((marker) => marker.seqId < seqId).slice(-1);
  }

  /** What a message shows: the newest edit, or nothing once it was recalled. */
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

export function isDiffused(message: Stored<string>): boolean {
  return message.kind === 'message' || message.kind === 'edit' || message.kind === 'recall';
}

/** What a message or edit said when it was sent: its key. */
export function textOf({ key, message }: Entry): string {
  return message.kind === 'recall' ? '' : (key?.slice(2) ?? '');
}
