import type { Cursor } from '../../../src/types.js';
import type { SyncMessage, SyncMessageFields } from '../../../sync/types.js';
import { bodyOf } from '../support/people.js';
import { Losses } from './losses.js';

/** A message on the device, and whether its acknowledgement succeeded. */
export interface ShownMessage extends Omit<SyncMessageFields, 'cursor' | 'truncated'> {
  readonly kind: SyncMessage<string>['kind'];
  readonly body: string | undefined;
  readonly by: string | undefined;
  readonly users: readonly string[] | undefined;
  readonly recalled: boolean;
  isAcked: boolean;
}

/** `reader` has read up to `seqId`. */
export interface Receipt {
  readonly conversation: string;
  readonly reader: string;
  readonly seqId: bigint;
  isAcked: boolean;
}

/** A resync, or a first start at other than the oldest: it happened between these two reads of all heads. */
export interface StreamStart {
  readonly after: ReadonlyMap<string, bigint>;
  readonly before: ReadonlyMap<string, bigint>;
  /** Nothing else was under way, so that the expected messages are known exactly. */
  readonly isExact: boolean;
  readonly last: number;
}

/**
 * The program on one device: keeps messages, acknowledges them, and starts over when told to. It records messages that
 * come again although they were acknowledged.
 */
export class DeviceClient {
  readonly user: string;
  readonly device: string;
  readonly start: 'oldest' | 'now' | { readonly last: number };
  /** The position, if the device keeps it itself. */
  after: Cursor | undefined;
  /** By conversation, in the order of arrival. */
  readonly shown = new Map<string, ShownMessage[]>();
  /** The messages that it showed before each resync. */
  readonly past: [conversation: string, shown: readonly ShownMessage[]][] = [];
  /** The receipts that it has got, in order. */
  receipts: Receipt[] = [];
  /** By conversation, the furthest read position that it was told. */
  readonly reads = new Map<string, bigint>();
  /** Messages that came again although they were acknowledged. */
  readonly again: { readonly conversation: string; readonly what: string }[] = [];
  losses = new Losses();
  streamStart: StreamStart | undefined;
  /** The start time of the last acknowledged pull after which nothing was left. */
  freshAt = Number.NEGATIVE_INFINITY;
  /** The time of the last pull before the first acknowledgement. */
  beganAt = Number.POSITIVE_INFINITY;
  hasAcked = false;
  /** Has kept a page. */
  hasBegun = false;
  /** SeqId of the record by which it was forgotten last; 0n: it never was. */
  life = 0n;
  restarts = 0;
  /** Was told to be forgotten, and nothing has been read for it since. */
  isUnused = true;
  /** The time at which it was read or acknowledged last. */
  usedAt = Number.POSITIVE_INFINITY;
  /** The longest time without use in this life: it may be forgotten for that later, by whoever finishes it. */
  idleMs = 0;
  /** A subscription may still be reading for it. */
  wasSubscribed = false;
  /** Calls that may still end its life. */
  forgetting = 0;
  resyncs = 0;
  repeats = 0;
  /** The heads before the first attempt at a pull since the last successful pull. */
  since: { readonly heads: ReadonlyMap<string, bigint>; readonly isExact: boolean } | undefined;
  /** The acknowledged position in the inbox before the last attempt at a read. */
  inboxBefore: Cursor | undefined;
  /** Serializes the commands of this device. */
  busy: Promise<unknown> = Promise.resolve();

  constructor(user: string, device: string, start: DeviceClient['start'], position: 'stored' | 'client') {
    this.user = user;
    this.device = device;
    this.start = start;
    if (position === 'client') this.after = '';
  }

  get name(): string {
    return `${this.user}/${this.device}`;
  }

  /** `true` if the next page begins as `start` says: a device that keeps its position begins until it has one. */
  get begins(): boolean {
    if (this.start === 'oldest') return false;
    return this.after === undefined ? !this.hasBegun : this.after === '';
  }

  clear(): void {
    this.past.push(...this.shown);
    this.shown.clear();
    this.receipts = [];
  }

  /** It was forgotten, and begins again. */
  restart(life: bigint): void {
    this.clear();
    this.life = life;
    this.restarts++;
    this.idleMs = 0;
    this.reads.clear();
    this.losses = new Losses();
    this.streamStart = undefined;
    this.since = undefined;
    this.freshAt = Number.NEGATIVE_INFINITY;
    this.beganAt = Number.POSITIVE_INFINITY;
    this.hasAcked = false;
    this.hasBegun = false;
  }

  /** It was in use at `at`; calls take long, and others may forget it meanwhile. */
  use(at: number, now: number): void {
    this.idleMs = Math.max(this.idleMs, now - this.usedAt);
    this.usedAt = at;
  }

  /** Keeps messages; the function returned notes that they are acknowledged. */
  keep(messages: readonly SyncMessage<string>[]): () => void {
    for (const { truncated } of messages) this.losses.tell(truncated);
    const kept = messages.flatMap<{ isAcked: boolean }>((message) => this.#keep(message) ?? []);
    return () => {
      for (const each of kept) each.isAcked = true;
      this.hasAcked = true;
    };
  }

  #keep(message: SyncMessage<string>): { isAcked: boolean } | undefined {
    const { conversation, seqId, entrySeqId, kind } = message;
    if (kind === 'read') {
      if (seqId > (this.reads.get(conversation) ?? 0n)) this.reads.set(conversation, seqId);
      return undefined;
    }
    if (kind === 'settings' || kind === 'signal') return undefined;
    if (kind === 'receipt') return this.#keepReceipt(conversation, message.sender, seqId);
    const shown = this.shown.get(conversation) ?? [];
    this.shown.set(conversation, shown);
    const known = shown.find((each) => each.entrySeqId === entrySeqId);
    if (known) {
      this.#repeat(known, conversation, `entry ${entrySeqId}`);
      return known;
    }
    const { cursor: _, truncated: __, ...rest } = message;
    const by = 'by' in message ? message.by : undefined;
    const users = 'users' in message ? message.users : undefined;
    const next = { ...rest, body: bodyOf(message), by, users, recalled: 'recalled' in message, isAcked: false };
    shown.push(next);
    return next;
  }

  #keepReceipt(conversation: string, reader: string, seqId: bigint): Receipt {
    const known = this.receipts.find(
      (each) => each.conversation === conversation && each.reader === reader && each.seqId === seqId,
    );
    if (known) this.#repeat(known, conversation, `the receipt ${seqId} of ${reader}`);
    else this.receipts.push({ conversation, reader, seqId, isAcked: false });
    return known ?? this.receipts.at(-1)!;
  }

  #repeat({ isAcked }: { readonly isAcked: boolean }, conversation: string, what: string): void {
    this.repeats++;
    if (isAcked) this.again.push({ conversation, what });
  }
}
