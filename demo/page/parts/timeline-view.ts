/** The Timeline between the two sides: entries as cells, and for each device a flag at the last one it has shown. */
import { CHANNEL, nameOf, personOf } from '../../shared/people.js';
import { h, Keyed, setAttribute, setStyle, setText } from '../dom.js';
import type { App } from '../model/app.js';
import type { DemoDevice } from '../model/demo-device.js';
import type { Readers } from '../model/readers.js';
import { heightOf, type SpineRow, spineRows } from '../model/spine-rows.js';
import { timelineSummary } from '../model/timeline-summary.js';
import { count, seqIdText } from '../words.js';
import { SpineFlags } from './spine-flags.js';

/** A row, and the distance of its top from the bottom. */
export interface PlacedRow {
  readonly row: SpineRow;
  readonly bottom: number;
}

export class TimelineView {
  readonly element: HTMLElement;
  readonly spine: HTMLElement;
  readonly #app: App;
  readonly #readers: Readers;
  readonly #name = h('p', { class: 'timeline-name' });
  readonly #rows: Keyed<SpineRow, HTMLLIElement>;
  readonly #summary = [h('p', {}), h('p', {})] as const;
  readonly #positions = h('p', { class: 'visually-hidden' });
  readonly #flags: SpineFlags;
  readonly #bars = h('div', { 'aria-hidden': 'true' });

  constructor(app: App, readers: Readers) {
    this.#app = app;
    this.#readers = readers;
    const list = h('ol', {});
    this.spine = h(
      'div',
      { class: 'spine', tabindex: 0, role: 'group', 'aria-label': 'Entries, newest last' },
      list,
      this.#bars,
    );
    this.#rows = new Keyed<SpineRow, HTMLLIElement>(list, {
      keyOf,
      create: createRow,
      update: (row, item) => this.#updateRow(row, item),
    });
    this.#flags = new SpineFlags(this.spine, app);
    this.element = h(
      'section',
      { class: 'timeline', 'aria-label': 'Timeline', 'data-area': 'timeline', tabindex: -1 },
      h('div', {}, h('h2', {}, 'Timeline'), this.#name),
      this.spine,
      h('div', { class: 'summary' }, ...this.#summary, this.#positions),
    );
    list.addEventListener('pointerover', (event) => this.#link(event));
    this.spine.addEventListener('pointerleave', () => this.#unlink());
    this.spine.addEventListener('keydown', (event) => this.#press(event));
    this.spine.addEventListener('blur', () => this.#unlink());
    new ResizeObserver(() => app.changed()).observe(this.spine);
  }

  update(): void {
    const { conversation } = this.#app;
    setText(this.#name, conversation ?? '');
    const devices = this.#devicesHere();
    const rows = this.#spineRows(devices);
    this.#rows.render(rows);
    const placed = place(rows);
    this.#flags.update(devices, placed);
    this.#updateBars(placed);
    const { lines, spoken } = timelineSummary(this.#app, devices, this.#readers);
    setText(this.#summary[0], lines[0]);
    setText(this.#summary[1], lines[1]);
    setText(this.#positions, spoken);
  }

  cellOf(seqId: bigint): HTMLElement | null {
    return this.spine.querySelector<HTMLElement>(`[data-seq-id="${seqId}"]`);
  }

  /** Devices of the members of the conversation. */
  #devicesHere(): DemoDevice[] {
    const { devices, conversation } = this.#app;
    return conversation === undefined ? [] : devices.filter((device) => device.isIn(conversation));
  }

  #spineRows(devices: readonly DemoDevice[]): SpineRow[] {
    const { conversation } = this.#app;
    if (conversation === undefined) return [];
    const positions = devices.map((device) => device.position(conversation));
    const tail = positions.reduce((highest, position) => (position > highest ? position : highest), 0n);
    const ahead = devices.filter((_, i) => positions[i] === tail);
    const lengths = ahead.map((device) => device.messages(conversation));
    const longest = lengths.reduce(
      (best, messages) => (messages.length > best.length ? messages : best),
      lengths[0] ?? [],
    );
    return spineRows(longest, positions, this.spine.clientHeight);
  }

  #updateRow(element: HTMLLIElement, row: SpineRow): void {
    const cell = element.firstElementChild as HTMLElement;
    if (row.type === 'earlier') setText(cell, `${count(row.entries)} earlier`);
    if (row.type === 'fold') setText(cell, `⋯ ${count(row.entries)}`);
    if (row.type !== 'entry') return;
    const { seqId, sender, isEdited, isRecalled } = row;
    setAttribute(cell, 'data-person', personOf(sender));
    setAttribute(cell, 'data-edited', isEdited && !isRecalled);
    setAttribute(cell, 'data-recalled', isRecalled);
    const { linked } = this.#app;
    setAttribute(cell, 'data-linked', linked?.seqId === seqId && linked.conversation === this.#app.conversation);
    const words = [String(seqId), nameOf(sender), ...(isEdited ? ['edited'] : []), ...(isRecalled ? ['recalled'] : [])];
    setAttribute(cell, 'title', words.join(', '));
    setText(cell.firstElementChild!, seqIdText(seqId));
    setText(cell.lastElementChild!, `, ${words.slice(1).join(', ')}`);
  }

  /** In a channel: how many readers stand at each entry. */
  #updateBars(placed: readonly PlacedRow[]): void {
    const isChannel = this.#app.conversation === CHANNEL;
    const standing = isChannel ? (this.#readers.positions?.standing ?? []) : [];
    if (standing.length === 0) {
      if (this.#bars.childElementCount > 0) this.#bars.replaceChildren();
      return;
    }
    const byRow = readersByRow(placed, standing);
    const most = Math.max(...byRow.slice(1).map(({ readers }) => readers), 1);
    this.#bars.replaceChildren(
      ...byRow.flatMap(({ bottom, readers, isTail }) => {
        if (readers === 0 || isTail) return [];
        const bar = h('span', { class: 'readers-bar' });
        setStyle(bar, 'width', `${3 + 25 * Math.sqrt(readers / most)}px`);
        setStyle(bar, 'bottom', `${bottom + 7}px`);
        const number = h('span', { class: 'readers-count' }, count(readers));
        setStyle(number, 'bottom', `${bottom + 3}px`);
        return [bar, number];
      }),
    );
  }

  #link(event: Event): void {
    const cell = (event.target as Element).closest<HTMLElement>('[data-seq-id]');
    const { conversation } = this.#app;
    if (cell === null || conversation === undefined) return;
    this.#app.linked = { conversation, seqId: BigInt(cell.dataset.seqId!) };
    this.#app.changed();
  }

  #unlink(): void {
    if (this.#app.linked === undefined) return;
    this.#app.linked = undefined;
    this.#app.changed();
  }

  #press(event: KeyboardEvent): void {
    const { conversation, linked } = this.#app;
    const cells = [...this.spine.querySelectorAll<HTMLElement>('[data-seq-id]')];
    if (conversation === undefined || cells.length === 0) return;
    const at = cells.findIndex(({ dataset }) => dataset.seqId === String(linked?.seqId));
    const from = at < 0 ? cells.length : at;
    const to = {
      ArrowUp: from - 1,
      ArrowLeft: from - 1,
      ArrowDown: from + 1,
      ArrowRight: from + 1,
      Home: 0,
      End: cells.length - 1,
    }[event.key];
    if (event.key === 'Escape') this.#unlink();
    if (to === undefined) return;
    event.preventDefault();
    const cell = cells[Math.max(0, Math.min(cells.length - 1, to))]!;
    this.#app.linked = { conversation, seqId: BigInt(cell.dataset.seqId!) };
    this.#app.changed();
  }
}

function keyOf(row: SpineRow): string {
  if (row.type === 'entry') return String(row.seqId);
  return row.type === 'other' ? `other ${row.from}` : row.type;
}

function createRow(row: SpineRow): HTMLLIElement {
  const element = h('li', { class: 'spine-row' });
  if (row.type === 'earlier' || row.type === 'fold') element.append(h('span', { class: row.type }));
  else if (row.type === 'next') element.append(h('span', { class: 'cell', 'data-next': true }, 'next'));
  else if (row.type === 'other') {
    const { from, to } = row;
    const names = from === to ? `${from}` : `${from} to ${to}`;
    const words = `${names}, ${from === to ? 'a reaction, edit or recall' : 'reactions, edits or recalls'}`;
    element.dataset.thin = '';
    element.append(
      h('span', { class: 'cell', 'data-thin': true, title: words }, h('span', { class: 'visually-hidden' }, words)),
    );
  } else {
    const cell = h(
      'span',
      { class: 'cell', 'data-seq-id': String(row.seqId) },
      h('span', {}),
      h('span', { class: 'visually-hidden' }),
    );
    element.append(cell);
  }
  return element;
}

/** From the newest to the oldest. */
function place(rows: readonly SpineRow[]): PlacedRow[] {
  let bottom = 0;
  return rows.toReversed().map((row) => {
    const placed = { row, bottom };
    bottom += heightOf(row);
    return placed;
  });
}

function readersByRow(placed: readonly PlacedRow[], standing: readonly (readonly [string, number])[]) {
  const entries = placed.filter(({ row }) => row.type === 'entry');
  return entries.map(({ row, bottom }, i) => {
    const from = row.type === 'entry' ? row.seqId : 0n;
    const newer = entries[i - 1]?.row;
    const below = newer?.type === 'entry' ? newer.seqId : undefined;
    const readers = standing
      .filter(([seqId]) => BigInt(seqId) >= from && (below === undefined || BigInt(seqId) < below))
      .reduce((sum, [, number]) => sum + number, 0);
    return { bottom, readers, isTail: i === 0 };
  });
}
