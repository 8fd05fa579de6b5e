import type { TruncatedConversation } from '../../../sync/types.js';

/** The losses that one device was told of, and what was gone when it began. */
export class Losses {
  /** By conversation, the furthest loss. */
  readonly told = new Map<string, bigint>();
  /** All of them. */
  readonly all: TruncatedConversation[] = [];
  /** By conversation, the SeqId up to which entries were gone before the first pull; absent if nobody looked. */
  goneAtStart: ReadonlyMap<string, bigint> | undefined;
  /** By conversation, the SeqId up to which entries were gone after the last pull before the first acknowledgement. */
  beganBehind: ReadonlyMap<string, bigint> = new Map();

  tell(losses: readonly TruncatedConversation[] = []): void {
    this.all.push(...losses);
    for (const { conversation, through } of losses)
      if (through > this.toldThrough(conversation)) this.told.set(conversation, through);
  }

  toldThrough(conversation: string): bigint {
    return this.told.get(conversation) ?? 0n;
  }
}
