import { seqIdOf } from '../../../src/cursor.js';
import type { TimelineStore } from '../../../src/types.js';
import type { Stored } from '../../../sync/types.js';
import type { RecordedEntry } from './history.js';

/** The entries of all conversations, recorded before they can go. */
export class EntryRecords {
  readonly #store: TimelineStore<Stored<string>>;
  readonly #records = new Map<string, Map<bigint, RecordedEntry>>();
  /** By conversation, the end of the furthest trim that was asked for. */
  readonly #trims = new Map<string, bigint>();
  readonly #expires: boolean;

  constructor(store: TimelineStore<Stored<string>>, { expires }: { readonly expires: boolean }) {
    this.#store = store;
    this.#expires = expires;
  }

  async record(conversation: string): Promise<void> {
    const timeline = this.#store.timeline(conversation);
    const position = await timeline.checkpoint('fan-out').get();
    const delivered = position === undefined ? 0n : seqIdOf(position);
    const records = this.#records.get(conversation) ?? new Map<bigint, RecordedEntry>();
    this.#records.set(conversation, records);
    for await (const entry of timeline.scan())
      records.set(entry.seqId, { entry, isDelivered: entry.seqId <= delivered });
  }

  /** Records what is kept, and returns the SeqId through which to trim: this part of it goes. */
  async trimPoint(conversation: string, part: number): Promise<bigint> {
    await this.record(conversation);
    const seqIds = [...this.#records.get(conversation)!.keys()].sort((a, b) => (a < b ? -1 : 1));
    const { firstSeqId } = await this.#store.timeline(conversation).head();
    const kept = seqIds.filter((seqId) => seqId >= firstSeqId);
    const through = kept[Math.floor(part * kept.length)] ?? 0n;
    if (through > (this.#trims.get(conversation) ?? 0n)) this.#trims.set(conversation, through);
    return through;
  }

  /** `false` if the entry is certainly there. */
  mayBeGone(conversation: string, seqId: bigint): boolean {
    return this.#expires || seqId <= (this.#trims.get(conversation) ?? 0n);
  }

  /** By conversation, the SeqId up to which all entries are gone. */
  async goneThrough(conversations: readonly string[]): Promise<ReadonlyMap<string, bigint>> {
    const heads = await this.#store.heads(conversations);
    return new Map(conversations.map((conversation, i) => [conversation, heads[i]!.firstSeqId - 1n]));
  }

  /** All entries that the conversation ever had. */
  async all(conversation: string): Promise<readonly RecordedEntry[]> {
    await this.record(conversation);
    const records = [...this.#records.get(conversation)!.values()];
    return records.sort((a, b) => (a.entry.seqId < b.entry.seqId ? -1 : 1));
  }
}
