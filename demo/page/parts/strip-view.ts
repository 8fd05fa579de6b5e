/** One Timeline as a strip of cells, newest at the right. */
import type { InspectedEntry, InspectedTimeline } from '../../shared/inspection.js';
import { nameOf, personOf } from '../../shared/people.js';
import { h, Keyed, setAttribute, setText } from '../dom.js';
import { BEFORE, flagsOf, type StripFlag } from '../model/strip-flags.js';
import { seqIdText } from '../words.js';

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
  /** Entries before those drawn: `through` is the last one that has expired, if all others are drawn. */
  | { readonly type: 'before'; readonly through: string | undefined; readonly flags: readonly StripFlag[] }
  | { readonly type: 'jump'; readonly before: string; readonly missing: bigint }
  | {
      readonly type: 'entry';
      readonly entry: InspectedEntry;
      readonly isNumbered: boolean;
      readonly flags: readonly StripFlag[];
    }
  | { readonly type: 'next'; readonly flags: readonly StripFlag[] };

const DAY_MS = 86_400_000;
/** Pixels of a cell and of a jump, with the space after it. */
const CELL = 19;
const JUMP = 22;
/** Pixels after the tail, and for the label of a flag before the first cell. */
const AFTER_TAIL = 116;
const LABEL = 130;
/** Missing SeqIds of a jump from which on their number says nothing. */
const MANY = 999n;
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
    this.#items.render(itemsOf(timeline, this.track.clientWidth - AFTER_TAIL));
  }

  #updateItem(element: HTMLElement, item: Item): void {
    if (item.type === 'before') {
      const { through } = item;
      setAttribute(element, 'data-gone', through !== undefined);
      setText(element.children[1]!, through === undefined ? '' : `≤ ${seqIdText(BigInt(through))}`);
    }
    if (item.type === 'jump') {
      setText(element, item.missing > MANY ? '·' : `+${item.missing}`);
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
  if (item.type === 'before')
    return h('span', { class: 'before-part' }, h('span', { class: 'gone' }), h('span', { class: 'cell-number' }));
  if (item.type === 'jump') return h('span', { class: 'jump' });
  if (item.type === 'next')
    return h('span', { class: 'strip-item' }, h('span', { class: 'strip-cell', 'data-next': true }));
  const number = h('span', { class: 'cell-number', 'aria-hidden': 'true' });
  const cell = h('button', { class: 'strip-cell', type: 'button', 'data-seq-id': item.entry.seqId }, number);
  return h('span', { class: 'strip-item' }, cell);
}

/** `room`: pixels for cells. */
function itemsOf(timeline: InspectedTimeline, room: number): Item[] {
  const { goneThrough, last, dense } = timeline;
  const fitting = drawnOf(timeline, room);
  const entries = flagsOf(timeline, fitting).has(BEFORE) ? drawnOf(timeline, room - LABEL) : fitting;
  const flags = flagsOf(timeline, entries);
  const before = flags.get(BEFORE) ?? [];
  const hidesSome = entries.length < timeline.entries.length;
  const through = goneThrough !== '0' && !hidesSome ? goneThrough : undefined;
  const items: Item[] = [];
  if (through !== undefined || before.length > 0) items.push({ type: 'before', through, flags: before });
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

/** The newest entries for which there is room, so that a flag before them can be shown. */
function drawnOf({ entries, dense }: InspectedTimeline, room: number): readonly InspectedEntry[] {
  let left = room;
  let first = entries.length;
  while (first > 0 && left > 0) {
    first -= 1;
    const isJump = !dense && first + 1 < entries.length;
    left -= CELL + (isJump && BigInt(entries[first + 1]!.seqId) > BigInt(entries[first]!.seqId) + 1n ? JUMP : 0);
  }
  return entries.slice(first);
}

function updateFlags(holder: HTMLElement, flags: readonly StripFlag[]): void {
  const shown = JSON.stringify(flags);
  if ((holder.dataset.flags ?? '[]') === shown) return;
  holder.dataset.flags = shown;
  for (const old of holder.querySelectorAll('.strip-flag')) old.remove();
  for (const { kind, person, text, isAtTail } of flags) {
    const attributes = { 'data-kind': kind, 'data-person': person, 'data-behind': !isAtTail };
    const label = text === '' ? undefined : h('span', {}, text);
    holder.append(h('span', { class: 'strip-flag', 'aria-hidden': 'true', ...attributes }, label));
  }
}
