import type { TruncatedConversation } from '../../../sync/types.js';

/** The losses that one device was told of, and what was gone when it began. */
export class Losses {
  /** By conversation, the furthest loss. */
  readonly told = new Map<string, bigint>();
  /** By conversation, the SeqId up to which entries were gone after the last pull before the first acknowledgement. */
  beganBehind: ReadonlyMap<string, bigint> = new Map();

  tell(losses: readonly TruncatedConversation[] = []): void {
    for (const { conversation, through } of losses)
      if (through > this.toldThrough(conversation)) this.told.set(conversation, through);
  }

  toldThrough(conversation: string): bigint {
    return this.told.get(conversation) ?? 0n;
  }
}
