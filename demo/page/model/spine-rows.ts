/** The rows of the Timeline in the middle, newest at the bottom. */
import type { ShownMessage } from '../../../client/types.js';
import type { Body } from '../../shared/bodies.js';

export type SpineRow =
  | {
      readonly type: 'entry';
      readonly seqId: bigint;
      readonly sender: string;
      readonly isEdited: boolean;
      readonly isRecalled: boolean;
    }
  /** Entries between two messages: reactions, edits, recalls, joins. */
  | { readonly type: 'other'; readonly from: bigint; readonly to: bigint }
  /** Entries that are left out so that a flag far behind stays in view. */
  | { readonly type: 'fold'; readonly entries: number; readonly after: bigint }
  | { readonly type: 'earlier'; readonly entries: number }
  | { readonly type: 'next' };

export const ROW_HEIGHT = 22;
export const THIN_HEIGHT = 7;

export const heightOf = ({ type }: SpineRow): number => (type === 'other' ? THIN_HEIGHT : ROW_HEIGHT);

/** Rows kept around a flag that is far behind. */
const AROUND_FLAG = 1;

/**
 * `messages`: of one conversation, oldest first, as the most advanced device shows them. `flags`: SeqIds at which
 * devices stand. `height`: room in pixels.
 */
export function spineRows(
  messages: readonly ShownMessage<Body>[],
  flags: readonly bigint[],
  height: number,
): SpineRow[] {
  const fitting = Math.max(1, Math.floor(height / ROW_HEIGHT) - 2);
  const stored = lastStored(messages, fitting);
  const first = stored[0];
  if (first === undefined) return [{ type: 'next' }];
  const folded = farBehind(messages, flags, first.seqId!);
  const rows: SpineRow[] = [...folded.rows, ...withOthers(stored)];
  const start = folded.first ?? first.seqId!;
  const all: SpineRow[] = start > 1n ? [{ type: 'earlier', entries: Number(start) - 1 }, ...rows] : rows;
  return dropUntilFits([...all, { type: 'next' }], height, folded.rows.length);
}

function lastStored(messages: readonly ShownMessage<Body>[], most: number): ShownMessage<Body>[] {
  const found: ShownMessage<Body>[] = [];
  for (let i = messages.length - 1; i >= 0 && found.length < most; i--)
    if (messages[i]!.seqId !== undefined) found.push(messages[i]!);
  return found.reverse();
}

const entryRow = ({ seqId, sender, edited, recalled }: ShownMessage<Body>): SpineRow => ({
  type: 'entry',
  seqId: seqId!,
  sender,
  isEdited: edited,
  isRecalled: recalled,
});

/** The flag furthest behind, with the fold after it, if it stands before the rows of the tail. */
function farBehind(
  messages: readonly ShownMessage<Body>[],
  flags: readonly bigint[],
  tailFrom: bigint,
): { readonly rows: readonly SpineRow[]; readonly first?: bigint } {
  const behind = flags.filter((seqId) => seqId > 0n && seqId < tailFrom).sort((a, b) => (a < b ? -1 : 1));
  const seqId = behind[0];
  if (seqId === undefined) return { rows: [] };
  const index = messages.findIndex((message) => message.seqId === seqId);
  if (index < 0) return { rows: [] };
  const shown = messages.slice(Math.max(0, index - AROUND_FLAG), index + 1);
  const rows = shown.map(entryRow);
  const fold: SpineRow = { type: 'fold', entries: Number(tailFrom - seqId), after: seqId };
  return { rows: [...rows, fold], first: shown[0]!.seqId! };
}

function withOthers(messages: readonly ShownMessage<Body>[]): SpineRow[] {
  const rows: SpineRow[] = [];
  let previous: bigint | undefined;
  for (const message of messages) {
    const seqId = message.seqId!;
    if (previous !== undefined && seqId > previous + 1n)
      rows.push({ type: 'other', from: previous + 1n, to: seqId - 1n });
    rows.push(entryRow(message));
    previous = seqId;
  }
  return rows;
}

/** Drops the oldest rows of the tail until all fit. */
function dropUntilFits(rows: SpineRow[], height: number, folded: number): SpineRow[] {
  const total = () => rows.reduce((sum, row) => sum + heightOf(row), 0);
  const hasEarlier = rows[0]?.type === 'earlier';
  const room = hasEarlier || total() <= height ? height : height - ROW_HEIGHT;
  const at = folded + (hasEarlier ? 1 : 0);
  let dropped = 0n;
  while (total() > room && rows.length > at + 2) {
    rows.splice(at, 1);
    dropped += 1n;
  }
  if (dropped === 0n) return rows;
  const next = rows.slice(at).find((row) => row.type === 'entry');
  if (next?.type !== 'entry') return rows;
  const before = rows[at - 1];
  if (folded > 0 && before?.type === 'fold')
    rows[at - 1] = { ...before, entries: Number(next.seqId - before.after) - 1 };
  else if (hasEarlier) rows[0] = { type: 'earlier', entries: Number(next.seqId) - 1 };
  else rows.unshift({ type: 'earlier', entries: Number(next.seqId) - 1 });
  return rows;
}
