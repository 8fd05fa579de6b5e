/** One Timeline as a strip of cells, newest at the right. */
import type { InspectedEntry, InspectedPosition, InspectedTimeline } from '../../shared/inspection.js';
import { nameOf } from '../../shared/people.js';
import { h, Keyed, setAttribute, setText } from '../dom.js';
import { seqIdText } from '../words.js';
import { personOf } from './message-row.js';

export interface SelectedEntry {
  readonly timeline: string;
  readonly seqId: string;
}

interface Changed {
  readonly recalled: ReadonlySet<string>;
  readonly edited: ReadonlySet<string>;
  /** The conversation whose messages they are. */
  readonly in: string;
}

type Item =
  | { readonly type: 'gone'; readonly through: string; readonly flags: readonly Flag[] }
  | { readonly type: 'jump'; readonly before: string; readonly missing: bigint }
  | {
      readonly type: 'entry';
      readonly entry: InspectedEntry;
      readonly isNumbered: boolean;
      readonly flags: readonly Flag[];
    }
  | { readonly type: 'next'; readonly flags: readonly Flag[] };

interface Flag {
  readonly kind: 'device' | 'read';
  readonly user: string;
  readonly text: string;
  readonly isBehind: boolean;
}

const DAY_MS = 86_400_000;
/** Stands for the SeqIds of entries that are gone. */
const GONE = '0';
/** Entries between two numbers. */
const NUMBERED_EVERY = 5n;

export class StripView {
  readonly element: HTMLElement;
  readonly track: HTMLElement;
  readonly #name = h('p', { class: 'name' });
  readonly #keeps = h('p', { class: 'keeps' });
  readonly #items: Keyed<Item, HTMLElement>;
  #timeline: InspectedTimeline | undefined;
  #selected: SelectedEntry | undefined;
  #changed: Changed | undefined;

  constructor(select: (entry: SelectedEntry) => void) {
    const cells = h('div', { class: 'cells' });
    this.track = h('div', { class: 'track', role: 'group' }, cells);
    this.element = h('div', { class: 'strip' }, h('div', { class: 'about' }, this.#name, this.#keeps), this.track);
    this.#items = new Keyed<Item, HTMLElement>(cells, {
      keyOf,
      create: createItem,
      update: (element, item) => this.#updateItem(element, item),
    });
    this.track.addEventListener('click', (event) => {
      const seqId = (event.target as Element).closest<HTMLElement>('.strip-cell')?.dataset.seqId;
      if (seqId !== undefined && this.#timeline !== undefined) select({ timeline: this.#timeline.timeline, seqId });
    });
  }

  update(timeline: InspectedTimeline, selected: SelectedEntry | undefined, changed: Changed): void {
    this.#timeline = timeline;
    this.#selected = selected;
    this.#changed = changed;
    setText(this.#name, timeline.timeline);
    setAttribute(this.track, 'aria-label', `${timeline.timeline}, oldest first`);
    const { ttlMs } = timeline;
    setText(
      this.#keeps,
      ttlMs === undefined ? 'Conversation, kept' : `Expires after ${Math.round(ttlMs / DAY_MS)} days`,
    );
    this.#items.render(itemsOf(timeline));
  }

  #updateItem(element: HTMLElement, item: Item): void {
    if (item.type === 'gone') setText(element.children[1]!, `≤ ${seqIdText(BigInt(item.through))}`);
    if (item.type === 'jump') {
      setText(element, `+${item.missing > 999n ? '…' : item.missing}`);
      return;
    }
    if (item.type === 'entry') this.#updateCell(element.firstElementChild as HTMLElement, item.entry, item.isNumbered);
    updateFlags(element, item.flags);
  }

  #updateCell(cell: HTMLElement, entry: InspectedEntry, isNumbered: boolean): void {
    const { timeline } = this.#timeline!;
    const { recalled, edited, in: conversation } = this.#changed!;
    const isCopy = entry.conversation === conversation && entry.kind === 'message';
    const message = isCopy ? entry.of! : timeline === conversation ? entry.seqId : '';
    const isRecalled = recalled.has(message) || entry.deleted === true;
    setAttribute(cell, 'data-recalled', isRecalled);
    setAttribute(cell, 'data-edited', edited.has(message) && !isRecalled);
    setAttribute(cell, 'data-half', entry.kind !== 'message' && entry.kind !== 'deleted');
    setAttribute(cell, 'data-person', entry.sender === undefined ? undefined : personOf(entry.sender));
    const isSelected = this.#selected?.timeline === timeline && this.#selected.seqId === entry.seqId;
    setAttribute(cell, 'aria-pressed', String(isSelected));
    const words = [entry.seqId, entry.kind, ...(entry.sender === undefined ? [] : [nameOf(entry.sender)])];
    setAttribute(cell, 'aria-label', [...words, ...(isRecalled ? ['recalled'] : [])].join(', '));
    setText(cell.firstElementChild!, isNumbered ? seqIdText(BigInt(entry.seqId)) : '');
  }
}

function keyOf(item: Item): string {
  if (item.type === 'entry') return item.entry.seqId;
  return item.type === 'jump' ? `jump ${item.before}` : item.type;
}

function createItem(item: Item): HTMLElement {
  if (item.type === 'gone')
    return h('span', { class: 'gone-part' }, h('span', { class: 'gone' }), h('span', { class: 'cell-number' }));
  if (item.type === 'jump') return h('span', { class: 'jump' });
  if (item.type === 'next')
    return h('span', { class: 'strip-item' }, h('span', { class: 'strip-cell', 'data-next': true }));
  const number = h('span', { class: 'cell-number', 'aria-hidden': 'true' });
  const cell = h('button', { class: 'strip-cell', type: 'button', 'data-seq-id': item.entry.seqId }, number);
  return h('span', { class: 'strip-item' }, cell);
}

function itemsOf(timeline: InspectedTimeline): Item[] {
  const { entries, goneThrough, last, dense } = timeline;
  const flags = flagsOf(timeline);
  const items: Item[] = [];
  if (goneThrough !== '0') items.push({ type: 'gone', through: goneThrough, flags: flags.get(GONE) ?? [] });
  let previous: bigint | undefined;
  for (const entry of entries) {
    const seqId = BigInt(entry.seqId);
    if (!dense && previous !== undefined && seqId > previous + 1n)
      items.push({ type: 'jump', before: entry.seqId, missing: seqId - previous - 1n });
    const isNumbered =
      entry.seqId === last || (dense ? seqId % NUMBERED_EVERY === 0n && BigInt(last) - seqId > 2n : false);
    items.push({ type: 'entry', entry, isNumbered, flags: flags.get(entry.seqId) ?? [] });
    previous = seqId;
  }
  items.push({ type: 'next', flags: [] });
  return items;
}

/** Flags by the entry at whose right edge they stand; those at one entry share a flag. */
function flagsOf({ entries, positions, goneThrough }: InspectedTimeline): Map<string, Flag[]> {
  const groups = new Map<string, InspectedPosition[]>();
  for (const position of positions) {
    const at = entries.findLast(({ seqId }) => BigInt(seqId) <= BigInt(position.seqId));
    if (at === undefined && goneThrough === '0') continue;
    const group = `${at?.seqId ?? GONE} ${position.kind}`;
    groups.set(group, [...(groups.get(group) ?? []), position]);
  }
  const flags = new Map<string, Flag[]>();
  for (const [group, standing] of groups) {
    const seqId = group.split(' ')[0]!;
    const behind = entries.filter((entry) => BigInt(entry.seqId) > BigInt(seqId)).length;
    const { kind, user } = standing[0]!;
    const names = standing.map((position) => titleOf(position)).join(', ');
    const text = kind === 'read' ? `${names} ${standing.length > 1 ? 'have' : 'has'} read` : names;
    const flag = {
      kind,
      user,
      isBehind: true,
      text: behind > 0 && kind === 'device' ? `${text}, ${behind} behind` : text,
    };
    flags.set(seqId, [...(flags.get(seqId) ?? []), flag]);
  }
  // The last one opens to the right, those before it to the left: they do not cover each other.
  const highest = [...flags.keys()].sort((a, b) => (BigInt(a) < BigInt(b) ? 1 : -1))[0];
  if (highest !== undefined)
    flags.set(
      highest,
      flags.get(highest)!.map((flag) => ({ ...flag, isBehind: false })),
    );
  return flags;
}

/** "phone" of `phone-x1y2`, or the name of the user. */
function titleOf({ kind, user, device = '' }: InspectedPosition): string {
  return kind === 'read' ? nameOf(user) : device.replace(/-\w+$/, '');
}

function updateFlags(holder: HTMLElement, flags: readonly Flag[]): void {
  const shown = JSON.stringify(flags);
  if ((holder.dataset.flags ?? '[]') === shown) return;
  holder.dataset.flags = shown;
  for (const old of holder.querySelectorAll('.strip-flag')) old.remove();
  for (const { kind, user, text, isBehind } of flags) {
    const attributes = { 'data-kind': kind, 'data-person': personOf(user), 'data-behind': isBehind };
    holder.append(h('span', { class: 'strip-flag', 'aria-hidden': 'true', ...attributes }, h('span', {}, text)));
  }
}
