/**
 * Counts deliveries from what each client hands over, apart from everything that is drawn. Only messages count: no
 * older pages, edits, recalls, reactions or receipts.
 */

/** A fault: the entry, and the device that it concerns. */
export interface DeliveryFault {
  readonly kind: 'lost' | 'repeated' | 'out-of-order';
  readonly device: string;
  readonly conversation: string;
  readonly seqId: bigint;
}

export interface DeliveryCount {
  /** Entries that the server has acknowledged, or that a device has been shown. */
  readonly sent: number;
  /** By device: distinct new entries that it has been shown, and those stored that it is still to get. */
  readonly devices: ReadonlyMap<string, { readonly received: number; readonly waiting: number }>;
  readonly lost: number;
  readonly repeated: number;
  readonly outOfOrder: number;
  /** The first fault since the counting began; it stays even if a lost entry comes late. */
  readonly firstFault: DeliveryFault | undefined;
}

/** The entries of one conversation that one device has been shown. */
interface Shown {
  readonly seqIds: Set<bigint>;
  readonly lost: Set<bigint>;
  /** Highest SeqId shown. */
  position: bigint;
  /** Entries up to here count in nothing: they are older than the counting, or than the device. */
  begun: bigint;
  /** Entries up to here are not asked for: they count in nothing, or a rebuilt device begins after them. */
  from: bigint;
  /** Number of `seqIds` after `from`. */
  counted: number;
}

export class DeliveryCounter {
  /** By conversation: the SeqId after which entries count. */
  readonly #baselines = new Map<string, bigint>();
  /** By conversation: SeqIds of stored entries after the baseline, rising. */
  readonly #stored = new Map<string, bigint[]>();
  readonly #devices = new Map<string, Map<string, Shown>>();
  #sent = 0;
  #repeated = 0;
  #outOfOrder = 0;
  #firstFault: DeliveryFault | undefined;

  /** Entries up to `seqId` were there before the counting began. */
  begin(conversation: string, seqId: bigint): void {
    if (!this.#baselines.has(conversation)) this.#baselines.set(conversation, seqId);
  }

  /** The device is to get the entries of this conversation. */
  expect(device: string, conversation: string): void {
    this.#shown(device, conversation);
  }

  /** An entry is stored, as an acknowledgement or another device says. */
  stored(conversation: string, seqId: bigint): void {
    if (seqId <= this.#baseline(conversation)) return;
    const seqIds = this.#stored.get(conversation) ?? [];
    this.#stored.set(conversation, seqIds);
    const index = indexAfter(seqIds, seqId - 1n);
    if (seqIds[index] === seqId) return;
    seqIds.splice(index, 0, seqId);
    this.#sent += 1;
    for (const [device, conversations] of this.#devices) {
      const shown = conversations.get(conversation);
      if (shown !== undefined && seqId > shown.from && seqId < shown.position && !shown.seqIds.has(seqId))
        this.#lose(device, conversation, shown, seqId);
    }
  }

  /** A client has handed the entry over as new. */
  show(device: string, conversation: string, seqId: bigint): void {
    if (seqId <= this.#baseline(conversation)) return;
    const shown = this.#shown(device, conversation);
    if (seqId <= shown.begun) return;
    const isAsked = seqId > shown.from;
    if (shown.seqIds.has(seqId)) {
      if (isAsked) this.#fault('repeated', device, conversation, seqId);
      return;
    }
    shown.seqIds.add(seqId);
    if (isAsked) shown.counted += 1;
    if (isAsked && seqId < shown.position) {
      shown.lost.delete(seqId);
      this.#fault('out-of-order', device, conversation, seqId);
    }
    this.stored(conversation, seqId);
    if (seqId > shown.position) this.#pass(device, conversation, shown, seqId);
  }

  /** The device is new: it is to get what comes from now on, after what it has got already. */
  beginDevice(device: string, got: ReadonlyMap<string, bigint> = new Map()): void {
    this.rebuild(device);
    for (const [conversation, shown] of this.#devices.get(device) ?? []) {
      const last = got.get(conversation) ?? 0n;
      shown.begun = last > shown.from ? last : shown.from;
      shown.from = shown.begun;
      shown.position = shown.begun;
    }
  }

  /** The device was built again from the conversations: nothing that is stored so far is asked of it any more. */
  rebuild(device: string): void {
    for (const [conversation, shown] of this.#devices.get(device) ?? []) {
      shown.from = this.#stored.get(conversation)?.at(-1) ?? shown.from;
      shown.position = shown.from;
      shown.counted = 0;
    }
  }

  /** Counts from here on. */
  reset(): void {
    for (const [conversation, seqIds] of this.#stored) {
      const last = seqIds.at(-1);
      if (last !== undefined) this.#baselines.set(conversation, last);
    }
    this.#stored.clear();
    this.#sent = 0;
    this.#repeated = 0;
    this.#outOfOrder = 0;
    this.#firstFault = undefined;
    for (const conversations of this.#devices.values()) {
      for (const conversation of conversations.keys())
        conversations.set(conversation, freshShown(this.#baseline(conversation)));
    }
  }

  waiting(device: string): number {
    let waiting = 0;
    for (const [conversation, { from, counted, lost }] of this.#devices.get(device) ?? []) {
      const seqIds = this.#stored.get(conversation) ?? [];
      waiting += seqIds.length - indexAfter(seqIds, from) - counted - lost.size;
    }
    return waiting;
  }

  count(): DeliveryCount {
    const devices = new Map<string, { received: number; waiting: number }>();
    let lost = 0;
    for (const [device, conversations] of this.#devices) {
      let received = 0;
      for (const shown of conversations.values()) {
        received += shown.seqIds.size;
        lost += shown.lost.size;
      }
      devices.set(device, { received, waiting: this.waiting(device) });
    }
    const { sent, repeated, outOfOrder, firstFault } = {
      sent: this.#sent,
      repeated: this.#repeated,
      outOfOrder: this.#outOfOrder,
      firstFault: this.#firstFault,
    };
    return { sent, devices, lost, repeated, outOfOrder, firstFault };
  }

  #baseline(conversation: string): bigint {
    return this.#baselines.get(conversation) ?? 0n;
  }

  #shown(device: string, conversation: string): Shown {
    const conversations = this.#devices.get(device) ?? new Map<string, Shown>();
    this.#devices.set(device, conversations);
    const shown = conversations.get(conversation) ?? freshShown(this.#baseline(conversation));
    conversations.set(conversation, shown);
    return shown;
  }

  /** Moves the position; the stored entries that it passes are lost. */
  #pass(device: string, conversation: string, shown: Shown, seqId: bigint): void {
    const seqIds = this.#stored.get(conversation)!;
    const after = shown.position > shown.from ? shown.position : shown.from;
    shown.position = seqId;
    for (let i = indexAfter(seqIds, after); seqIds[i]! < seqId; i++)
      if (!shown.seqIds.has(seqIds[i]!)) this.#lose(device, conversation, shown, seqIds[i]!);
  }

  #lose(device: string, conversation: string, shown: Shown, seqId: bigint): void {
    shown.lost.add(seqId);
    this.#firstFault ??= { kind: 'lost', device, conversation, seqId };
  }

  #fault(kind: 'repeated' | 'out-of-order', device: string, conversation: string, seqId: bigint): void {
    if (kind === 'repeated') this.#repeated += 1;
    else this.#outOfOrder += 1;
    if (this.#firstFault === undefined || (this.#firstFault.seqId === seqId && this.#firstFault.device === device))
      this.#firstFault = { kind, device, conversation, seqId };
  }
}

const freshShown = (from: bigint): Shown => ({
  seqIds: new Set(),
  lost: new Set(),
  position: from,
  begun: from,
  from,
  counted: 0,
});

/** Index of the first element after `value`. */
function indexAfter(sorted: readonly bigint[], value: bigint): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
