import type { Position } from './adapter.js';
import { TimelineError } from './errors.js';
import { describe } from './text.js';
import type { TimelineRef } from './timeline-id.js';
import type { Cursor } from './types.js';

export const MAX_SEQ_ID = (1n << 63n) - 1n;

// Version, epoch, tag of the Timeline, SeqId. Readable on purpose: it ends up in logs.
const FORMAT = /^1\.([A-Za-z0-9_-]{0,64})\.([a-z0-9]{1,7})\.(\d{1,19})$/;

export function encodeCursor(ref: TimelineRef, epoch: string, seqId: bigint): Cursor {
  return cursorPrefix(ref, epoch) + seqId;
}

/** What the cursors of a Timeline begin with; the SeqId follows. */
export function cursorPrefix(ref: TimelineRef, epoch: string): string {
  return `1.${epoch}.${ref.tag}.`;
}

/** `TIMELINE_INVALID_CURSOR` for what is not a cursor, or is one of another Timeline. */
export function decodeCursor(ref: TimelineRef, cursor: Cursor, argument: string): Position {
  const match = FORMAT.exec(cursor);
  const seqId = match ? BigInt(match[3] as string) : -1n;
  if (!match || seqId < 0n || seqId > MAX_SEQ_ID) {
    throw new TimelineError('TIMELINE_INVALID_CURSOR', `${argument} is not a cursor: ${describe(cursor)}`, { argument });
  }
  if (match[2] !== ref.tag) {
    throw new TimelineError(
      'TIMELINE_INVALID_CURSOR',
      `${argument} is a cursor of another Timeline than ${describe(ref.encoded)}`,
      {
        argument,
        timeline: ref.encoded,
      },
    );
  }
  return { epoch: match[1] as string, seqId };
}
