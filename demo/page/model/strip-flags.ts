/** Flags of a strip: positions of devices, and how far users have read. */
import type { InspectedPosition, InspectedTimeline } from '../../shared/inspection.js';
import { nameOf, personOf } from '../../shared/people.js';
import { count } from '../words.js';

export interface StripFlag {
  readonly kind: 'device' | 'read';
  /** `other` if it is of several people. */
  readonly person: 'ann' | 'bob' | 'other';
  /** Empty: the label of the flag after it names it too. */
  readonly text: string;
  readonly isAtTail: boolean;
}

/** Stands for the place of positions before the first entry drawn. */
export const BEFORE = 'before';

/** Pixels of a cell with the space after it, of a letter, and of what surrounds a label. */
const STEP = 19;
const LETTER = 6.2;
const PADDING = 14;

/** The flags of one kind that stand at one entry. */
interface Standing {
  readonly kind: 'device' | 'read';
  readonly positions: readonly InspectedPosition[];
  /** Index of the entry at whose right edge they stand; -1 before the first one drawn. */
  readonly index: number;
}

/**
 * Flags by the SeqId of the entry at whose right edge they stand, or {@link BEFORE}. At the tail labels open to the
 * right, behind it to the left. Where a label would cover the flag before it, one label names both.
 */
export function flagsOf(timeline: InspectedTimeline, drawn: InspectedTimeline['entries']): Map<string, StripFlag[]> {
  const flags = new Map<string, StripFlag[]>();
  for (const kind of ['device', 'read'] as const) {
    const standing = standingOf(timeline, kind, drawn);
    let covered: Standing[] = [];
    standing.forEach((here, i) => {
      const isAtTail = here.index === drawn.length - 1;
      const next = standing[i + 1];
      const nextIsAtTail = next?.index === drawn.length - 1;
      const named = [...covered, here];
      const text = textOf(timeline, named);
      const room = next === undefined || nextIsAtTail ? Number.POSITIVE_INFINITY : (next.index - here.index) * STEP;
      const isCovered = next !== undefined && widthOf(textOf(timeline, [next])) > room;
      covered = isCovered ? named : [];
      const people = new Set(named.flatMap(({ positions }) => positions.map(({ user }) => personOf(user))));
      const person = people.size === 1 ? [...people][0]! : 'other';
      const place = here.index < 0 ? BEFORE : drawn[here.index]!.seqId;
      flags.set(place, [...(flags.get(place) ?? []), { kind, person, text: isCovered ? '' : text, isAtTail }]);
    });
  }
  return flags;
}

/** Groups by entry, oldest first. */
function standingOf(
  { positions }: InspectedTimeline,
  kind: 'device' | 'read',
  drawn: InspectedTimeline['entries'],
): Standing[] {
  const groups = new Map<number, InspectedPosition[]>();
  for (const position of positions) {
    if (position.kind !== kind) continue;
    const index = drawn.findLastIndex(({ seqId }) => BigInt(seqId) <= BigInt(position.seqId));
    groups.set(index, [...(groups.get(index) ?? []), position]);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([index, standing]) => ({ kind, positions: standing, index }));
}

/** "phone, 5 behind", "phone, tablet", "Ann has read". */
function textOf(timeline: InspectedTimeline, named: readonly Standing[]): string {
  const positions = named.flatMap((standing) => standing.positions);
  const names = positions.map((position) => titleOf(position)).join(', ');
  if (named[0]?.kind === 'read') return positions.length > 1 ? 'Both have read' : `${names} has read`;
  const places = new Set(positions.map(({ seqId }) => seqId));
  return places.size === 1 ? `${names}${behindText(timeline, positions)}` : names;
}

function behindText({ entries, last }: InspectedTimeline, [position]: readonly InspectedPosition[]): string {
  const at = BigInt(position!.seqId);
  const after = entries.filter(({ seqId }) => BigInt(seqId) > at);
  // Receipts and changes are no messages that somebody waits for.
  const messages = after.filter(({ kind }) => kind === 'message').length;
  // Only the newest entries are here.
  if (after.length === entries.length && at < BigInt(last)) return `, ${count(messages)} or more behind`;
  return messages === 0 ? '' : `, ${count(messages)} behind`;
}

const widthOf = (text: string): number => text.length * LETTER + PADDING;

/** "phone" of `phone-x1y2`, or the name of the user. */
function titleOf({ kind, user, device = '' }: InspectedPosition): string {
  return kind === 'read' ? nameOf(user) : device.replace(/-\w+$/, '');
}
