/**
 * A group chat on two libraries of Timelines.
 *
 * The store library keeps one Timeline per group for ever: the history. The sync library keeps one Timeline per member
 * for a month: the inbox, from which their devices pull. Each message is written to the store first, then to every
 * inbox, so a crash in between loses nothing: the same call with the same key completes the missing inboxes and repeats
 * nothing.
 */
import {
  type Cursor,
  openTimelineStore,
  type Page,
  type Timeline,
  type TimelineAdapter,
  type TimelineStore,
} from 'timeline-model';

export interface Message {
  readonly from: string;
  readonly at: string;
  readonly text: string;
  /** "Ada waves" rather than "Ada: waves". */
  readonly action?: true;
}

/** A message in an inbox, with its SeqId in the group's history. */
export interface Delivery extends Message {
  readonly group: string;
  /** A decimal string, because JSON has no bigint. */
  readonly seqId: string;
}

export interface Sent {
  readonly seqId: bigint;
  /** True if the history already had the message. */
  readonly duplicate: boolean;
  /** Number of inboxes that this call wrote to; the others already had the message. */
  readonly delivered: number;
}

/** Inboxes keep messages for a month; keys should be remembered as long. */
export const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

export class Chat {
  private constructor(
    private readonly store: TimelineStore<Message>,
    private readonly sync: TimelineStore<Delivery>,
  ) {}

  /** Opens the two libraries, which may use different adapters; `prefix` starts their names. */
  static async open(history: TimelineAdapter, inboxes = history, prefix = ''): Promise<Chat> {
    const store = await openTimelineStore<Message>({ adapter: history, name: `${prefix}store` });
    const sync = await openTimelineStore<Delivery>({ adapter: inboxes, name: `${prefix}sync`, ttlMs: KEPT_MS });
    return new Chat(store, sync);
  }

  /** Returns the history of a group. */
  history(group: string): Timeline<Message> {
    return this.store.timeline(['group', group]);
  }

  /** Returns the inbox of a member. */
  inbox(member: string): Timeline<Delivery> {
    return this.sync.timeline(inboxId(member));
  }

  /** Sends a message. A client makes the `key` once per message and repeats it with every retry. */
  async send(group: string, members: Iterable<string>, message: Message, key: string): Promise<Sent> {
    const { seqId, duplicate } = await this.history(group).append(message, { key });
    const delivery = { group, seqId: seqId.toString(), ...message };
    const outcomes = await this.sync.appendToMany(Array.from(members, inboxId), delivery, {
      key: JSON.stringify([group, key]),
    });
    let delivered = 0;
    for (const outcome of outcomes) {
      if (!outcome.ok) throw outcome.error;
      if (!outcome.duplicate) delivered += 1;
    }
    return { seqId, duplicate, delivered };
  }

  /** Returns a page of messages that a device has not acknowledged. Call `acknowledge` with the page's `next`. */
  async pull(member: string, device: string, limit = 100): Promise<Page<Delivery>> {
    const after = await this.inbox(member).checkpoint(device).get();
    return this.inbox(member).read({ after, limit });
  }

  async acknowledge(member: string, device: string, position: Cursor): Promise<void> {
    await this.inbox(member).checkpoint(device).advance(position);
  }

  async close(): Promise<void> {
    await Promise.all([this.store.close(), this.sync.close()]);
  }
}

const inboxId = (member: string) => ['inbox', member] as const;
