/**
 * A group chat on two libraries of Timelines.
 *
 * The store library holds one Timeline per group and keeps it for good: the history. The sync library holds one Timeline
 * per member, their inbox: what any of their devices has yet to see, kept for a month. Each message is written to the
 * store first and then to every inbox, so that a crash in between loses nothing: the same call again, with the same key,
 * completes what is missing and repeats nothing.
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

/** A message in an inbox. It says where it stands in its group's history. */
export interface Delivery extends Message {
  readonly group: string;
  /** A decimal string, as JSON has no bigint. */
  readonly seqId: string;
}

export interface Sent {
  readonly seqId: bigint;
  /** The history had it already. */
  readonly duplicate: boolean;
  /** Inboxes that got it by this call; the others had it already. */
  readonly delivered: number;
}

/** How long an inbox keeps what no device has pulled: a month. Repetitions should be recognised for as long. */
export const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

export class Chat {
  private constructor(
    private readonly store: TimelineStore<Message>,
    private readonly sync: TimelineStore<Delivery>,
  ) {}

  /** The two libraries may be in different places; their names begin with `prefix`. */
  static async open(history: TimelineAdapter, inboxes = history, prefix = ''): Promise<Chat> {
    const store = await openTimelineStore<Message>({ adapter: history, name: `${prefix}store` });
    const sync = await openTimelineStore<Delivery>({ adapter: inboxes, name: `${prefix}sync`, ttlMs: KEPT_MS });
    return new Chat(store, sync);
  }

  /** The history of a group. */
  history(group: string): Timeline<Message> {
    return this.store.timeline(['group', group]);
  }

  /** Everything on its way to a member. */
  inbox(member: string): Timeline<Delivery> {
    return this.sync.timeline(inboxId(member));
  }

  /** `key` names the message within its group; a client makes it once and sends it again with every retry. */
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

  /** What a device has not seen yet. The position moves on only when `acknowledge` is called with the page's `next`. */
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
