import type { ChatEntry } from './types.js';

/** Knows the entries that have arrived. The rest of a page comes again after a cut. */
export interface SeenEntries {
  /** `true` if it has not arrived before. */
  isNew(entry: ChatEntry<unknown>): boolean;
  forgetAll(): void;
}

export function createSeenEntries(): SeenEntries {
  /** Those of a conversation come in order, and so do the positions of a user and the settings. */
  const last = new Map<string, bigint>();
  return {
    isNew: ({ kind, conversation, sender, seqId, entrySeqId }) => {
      // Of these, `seqId` is a position that only rises.
      const isPosition = kind === 'read' || kind === 'receipt';
      const name = JSON.stringify([conversation, isPosition ? [kind, sender] : kind === 'settings']);
      const place = isPosition ? seqId : entrySeqId;
      if (place <= (last.get(name) ?? -1n)) return false;
      last.set(name, place);
      return true;
    },
    forgetAll: () => last.clear(),
  };
}
