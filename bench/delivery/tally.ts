import { quantile } from '../harness.js';
import type { Conversations, SentMessage } from './contender.js';

/** Counts of a run. A delivery is one message for one member other than its sender. */
export interface DropCounts {
  readonly sent: number;
  readonly expected: number;
  readonly delivered: number;
  /** Deliveries that the application got once more. */
  readonly repeated: number;
  /** Deliveries after a later message of the same sender to the same conversation. */
  readonly outOfOrder: number;
  /** Deliveries after a message with a later position in the same conversation. */
  readonly outOfPosition: number;
}

/** One reader's messages of one sender in one conversation. */
interface Row {
  readonly seen: Set<number>;
  highest: number;
}

/** Counts what clients send and see. */
export class Tally {
  readonly #conversations: Conversations;
  readonly #sentAt = new Map<string, number[]>();
  readonly #rows = new Map<string, Row>();
  readonly #positions = new Map<string, bigint>();
  readonly #latencies: number[] = [];
  #sent = 0;
  #expected = 0;
  #repeated = 0;
  #outOfOrder = 0;
  #outOfPosition = 0;
  #lastAt = performance.now();

  constructor(conversations: Conversations) {
    this.#conversations = conversations;
  }

  /** Milliseconds since the last delivery, or since the beginning. */
  get quietMs(): number {
    return performance.now() - this.#lastAt;
  }

  get isComplete(): boolean {
    return this.#latencies.length === this.#expected;
  }

  get counts(): DropCounts {
    return {
      sent: this.#sent,
      expected: this.#expected,
      delivered: this.#latencies.length,
      repeated: this.#repeated,
      outOfOrder: this.#outOfOrder,
      outOfPosition: this.#outOfPosition,
    };
  }

  /** Milliseconds from `send` to the application of the other member. */
  latency(q: number): number {
    return quantile(this.#latencies, q);
  }

  /** The next message of a sender. Call it as it is sent. */
  next(sender: string, conversation: string): SentMessage {
    const members = this.#conversations.get(conversation) ?? [];
    const name = JSON.stringify([sender, conversation]);
    const times = this.#sentAt.get(name) ?? [];
    this.#sentAt.set(name, times);
    times.push(performance.now());
    this.#sent++;
    this.#expected += members.length - 1;
    return { sender, conversation, number: times.length - 1 };
  }

  seen(reader: string, { sender, conversation, number }: SentMessage, position: bigint | undefined): void {
    const isBehind = this.#isBehind(reader, conversation, position);
    if (reader === sender) return;
    const sentAt = this.#sentAt.get(JSON.stringify([sender, conversation]))?.[number];
    if (sentAt === undefined) throw new Error(`nobody sent message ${number} of ${sender} to ${conversation}`);
    const row = this.#row(JSON.stringify([reader, sender, conversation]));
    if (row.seen.has(number)) {
      this.#repeated++;
      return;
    }
    row.seen.add(number);
    if (number < row.highest) this.#outOfOrder++;
    row.highest = Math.max(row.highest, number);
    if (isBehind) this.#outOfPosition++;
    this.#lastAt = performance.now();
    this.#latencies.push(this.#lastAt - sentAt);
  }

  #isBehind(reader: string, conversation: string, position: bigint | undefined): boolean {
    if (position === undefined) return false;
    const name = JSON.stringify([reader, conversation]);
    const highest = this.#positions.get(name) ?? -1n;
    if (position > highest) this.#positions.set(name, position);
    return position < highest;
  }

  #row(name: string): Row {
    const row = this.#rows.get(name) ?? { seen: new Set(), highest: -1 };
    this.#rows.set(name, row);
    return row;
  }
}
