import { seqIdOf } from '../../../src/cursor.js';
import type { World } from './world.js';

/** The joins and leaves of a conversation that a call may have known of. */
export interface Window {
  /** SeqId up to which all had been applied when the call began. */
  readonly appliedThrough: bigint;
  /** The last SeqId when the call ended; `undefined` without an answer: it may still have gone on. */
  readonly lastSeqId: bigint | undefined;
}

/** Opens a window; call the function returned when the call was answered. */
export async function openWindow({ store }: World, conversation: string): Promise<() => Promise<Window>> {
  const timeline = store.timeline(conversation);
  const position = await timeline.checkpoint('fan-out').get();
  const appliedThrough = position === undefined ? 0n : seqIdOf(position);
  return async () => ({ appliedThrough, lastSeqId: (await timeline.head()).lastSeqId });
}
