import type { ChatEntry } from './types.js';

/** Kinds whose `seqId` is a position that only rises. */
const POSITIONS = ['read', 'receipt'];

/** Knows the entries that have arrived. The rest of a page comes again after a cut. */
export class SeenEntries {
  /** Those of a conversation come in order, and so do the positions of a user and the settings. */
  readonly #last = new Map<string, bigint>();

  /** `true` if it has not arrived before. */
  add({ kind, conversation, sender, seqId, entrySeqId }: ChatEntry<unknown>): boolean {
    const isPosition = POSITIONS.includes(kind);
    const order = isPosition ? `${kind} ${sender}` : kind === 'settings' ? kind : '';
    const name = JSON.stringify([order, conversation]);
    const place = isPosition ? seqId : entrySeqId;
    if (place <= (this.#last.get(name) ?? -1n)) return false;
    this.#last.set(name, place);
    return true;
  }

  clear(): void {
    this.#last.clear();
  }
}
