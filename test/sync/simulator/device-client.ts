import type { Cursor } from '../../../src/types.js';
import type { SyncMessage, SyncMessageFields } from '../../../sync/types.js';
import { bodyOf } from '../support/people.js';
import { Losses } from './losses.js';

/** A message on the device, and whether its acknowledgement succeeded. */
export interface ShownMessage extends Omit<SyncMessageFields, 'cursor' | 'truncated'> {
  readonly kind: SyncMessage<string>['kind'];
  readonly body: string | undefined;
  readonly by: string | undefined;
  readonly recalled: boolean;
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
  /** By conversation, the furthest read position that it was told. */
  readonly reads = new Map<string, bigint>();
  /** Messages that came again although they were acknowledged. */
  readonly again: { readonly conversation: string; readonly entrySeqId: bigint }[] = [];
  readonly losses = new Losses();
  streamStart: StreamStart | undefined;
  /** The start time of the last acknowledged pull after which nothing was left. */
  freshAt = Number.NEGATIVE_INFINITY;
  /** The time of the last pull before the first acknowledgement. */
  beganAt = Number.POSITIVE_INFINITY;
  hasAcked = false;
  /** Has kept a page. */
  hasBegun = false;
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
  }

  /** Keeps messages; the function returned notes that they are acknowledged. */
  keep(messages: readonly SyncMessage<string>[]): () => void {
    for (const { truncated } of messages) this.losses.tell(truncated);
    const kept = messages.flatMap((message) => this.#keep(message) ?? []);
    return () => {
      for (const each of kept) each.isAcked = true;
      this.hasAcked = true;
    };
  }

  #keep(message: SyncMessage<string>): ShownMessage | undefined {
    const { conversation, seqId, entrySeqId, kind } = message;
    if (kind === 'read') {
      if (seqId > (this.reads.get(conversation) ?? 0n)) this.reads.set(conversation, seqId);
      return undefined;
    }
    if (kind === 'settings') return undefined;
    const shown = this.shown.get(conversation) ?? [];
    this.shown.set(conversation, shown);
    const known = shown.find((each) => each.entrySeqId === entrySeqId);
    if (known) {
      this.repeats++;
      if (known.isAcked) this.again.push({ conversation, entrySeqId });
      return known;
    }
    const { cursor: _, truncated: __, ...rest } = message;
    const by = 'by' in message ? message.by : undefined;
    const next = { ...rest, body: bodyOf(message), by, recalled: 'recalled' in message, isAcked: false };
    shown.push(next);
    return next;
  }
}
