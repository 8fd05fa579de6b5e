import { type Cursor, TimelineError } from '../../src/index.js';
import { describeValue } from '../../src/toolkit/index.js';

const VERSION = 'l1';

/** The place of a conversation in a user's list. */
export interface ListPosition {
  readonly pinned: boolean;
  /** Time of the last message, 0 without one. */
  readonly sentAt: number;
  readonly conversation: string;
}

/** Negative if `a` comes first: pinned ones, then the newest message, then by name. */
export function compareListPositions(a: ListPosition, b: ListPosition): number {
  if (a.pinned !== b.pinned) return a.pinned ? -1 : 1;
  if (a.sentAt !== b.sentAt) return b.sentAt - a.sentAt;
  if (a.conversation === b.conversation) return 0;
  return a.conversation < b.conversation ? -1 : 1;
}

export function encodeListPosition({ pinned, sentAt, conversation }: ListPosition): Cursor {
  const text = JSON.stringify([pinned ? 1 : 0, sentAt, conversation]);
  return `${VERSION}.${Buffer.from(text).toString('base64url')}`;
}

/** Throws `TIMELINE_INVALID_CURSOR` for anything but the `next` of a summary. */
export function decodeListPosition(cursor: unknown): ListPosition {
  const [version, text, rest] = typeof cursor === 'string' ? cursor.split('.') : [];
  try {
    if (version !== VERSION || !text || rest !== undefined) throw new SyntaxError('not of a list');
    const parts: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    const [pinned, sentAt, conversation] = Array.isArray(parts) ? parts : [];
    if (!Number.isFinite(sentAt) || typeof conversation !== 'string') throw new SyntaxError('not a position');
    return { pinned: pinned === 1, sentAt, conversation };
  } catch (cause) {
    const message = `after is not the cursor of a conversation list: ${describeValue(cursor)}`;
    throw new TimelineError('TIMELINE_INVALID_CURSOR', message, { argument: 'after', cause });
  }
}
