import type { SyncMessage } from '../../../sync/types.js';

/** What was handed over, and whether the device is sure to have acknowledged it. */
export interface Shown extends Omit<SyncMessage<string>, 'cursor'> {
  isAcked: boolean;
}

/** A rebuild or a beginning at other than the oldest: it happened between these two looks at all heads. */
export interface Anchor {
  readonly after: ReadonlyMap<string, bigint>;
  readonly before: ReadonlyMap<string, bigint>;
  /** Nothing else was under way, so that what the device gets is known to the message. */
  readonly isExact: boolean;
  readonly last: number;
}

/**
 * The program on one device: keeps what it is given, acknowledges it, and starts anew when told to. It notices what must
 * not be: something again that it acknowledged.
 */
export class DeviceClient {
  readonly user: string;
  readonly device: string;
  readonly start: 'oldest' | 'now' | { readonly last: number };
  /** By conversation, in the order of arrival. */
  readonly shown = new Map<string, Shown[]>();
  /** What it showed before it was told to start anew. */
  readonly past: [conversation: string, shown: readonly Shown[]][] = [];
  /** By conversation, the furthest read position that it was told. */
  readonly reads = new Map<string, bigint>();
  /** What came again although it was acknowledged. */
  readonly again: { readonly conversation: string; readonly entrySeqId: bigint }[] = [];
  anchor: Anchor | undefined;
  /** When the last look began after which nothing was left, and that was acknowledged. */
  freshAt = Number.NEGATIVE_INFINITY;
  /** When it last began without ever having acknowledged anything. */
  beganAt = Number.POSITIVE_INFINITY;
  hasAcked = false;
  /** Has kept a page. */
  hasBegun = false;
  resyncs = 0;
  repeats = 0;
  /** The heads before the first of the attempts at a pull since the last that succeeded. */
  since: { readonly heads: ReadonlyMap<string, bigint>; readonly isExact: boolean } | undefined;
  /** One thing at a time. */
  busy: Promise<unknown> = Promise.resolve();

  constructor(user: string, device: string, start: DeviceClient['start']) {
    this.user = user;
    this.device = device;
    this.start = start;
  }

  get name(): string {
    return `${this.user}/${this.device}`;
  }

  clear(): void {
    this.past.push(...this.shown);
    this.shown.clear();
    this.resyncs++;
  }

  /** Keeps messages; the function returned notes that they are acknowledged. */
  keep(messages: readonly SyncMessage<string>[]): () => void {
    const kept = messages.flatMap((message) => this.#keep(message) ?? []);
    return () => {
      for (const each of kept) each.isAcked = true;
      this.hasAcked = true;
    };
  }

  #keep(message: SyncMessage<string>): Shown | undefined {
    const { conversation, seqId, entrySeqId, kind } = message;
    if (kind === 'read') {
      if (seqId > (this.reads.get(conversation) ?? 0n)) this.reads.set(conversation, seqId);
      return undefined;
    }
    const shown = this.shown.get(conversation) ?? [];
    this.shown.set(conversation, shown);
    const known = shown.find((each) => each.entrySeqId === entrySeqId);
    if (known) {
      this.repeats++;
      if (known.isAcked) this.again.push({ conversation, entrySeqId });
      return known;
    }
    const { cursor: _, ...rest } = message;
    const next = { ...rest, isAcked: false };
    shown.push(next);
    return next;
  }
}
