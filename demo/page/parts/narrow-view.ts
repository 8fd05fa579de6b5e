/** Parts of a narrow page: tabs, the Timeline as a horizontal strip, the faults in a sheet. */
import { personOf } from '../../shared/people.js';
import { h, Keyed, setAttribute, setText } from '../dom.js';
import { icon } from '../icons.js';
import type { App } from '../model/app.js';
import type { DemoDevice } from '../model/demo-device.js';
import { count, seqIdText } from '../words.js';
import { type Tool, ToolButton } from './header.js';
import { stateOf } from './pane-view.js';
import { roving } from './roving.js';

const TABS = ['left', 'timeline', 'right'] as const;
const STRIP_ENTRIES = 12;

interface StripCell {
  readonly seqId: bigint | undefined;
  readonly sender: string;
  readonly isRecalled: boolean;
  readonly left: string;
  readonly right: string;
}

export class NarrowView {
  readonly tabs: HTMLElement;
  readonly strip: HTMLElement;
  readonly sheet: HTMLDialogElement;
  readonly #app: App;
  readonly #buttons: readonly HTMLButtonElement[];
  readonly #cells: Keyed<StripCell, HTMLElement>;
  readonly #tools: readonly ToolButton[];

  constructor(app: App, tools: readonly Tool[], toggleInspector: () => void) {
    this.#app = app;
    this.#buttons = TABS.map((tab) => {
      const choose = () => {
        app.tab = tab;
        if (tab !== 'timeline') app.activeSide = tab;
        app.changed();
      };
      const dot = tab === 'timeline' ? undefined : h('span', { class: 'dot' });
      const name = h('span', {}, 'Timeline');
      const words = [name, h('span', { class: 'tab-state' }, dot, h('span', {}))];
      return h('button', { type: 'button', role: 'tab', 'data-tab': tab, onclick: choose }, ...words);
    });
    const list = h('div', { role: 'tablist', 'aria-label': 'Views' }, ...this.#buttons);
    roving(list, 'button');
    this.tabs = h('nav', { class: 'tabs', 'aria-label': 'Views' }, list);
    const cells = h('div', { class: 'narrow-cells' });
    this.strip = h('div', { class: 'narrow-strip', 'aria-hidden': 'true' }, cells);
    this.#cells = new Keyed<StripCell, HTMLElement>(cells, {
      keyOf: ({ seqId }) => String(seqId),
      create: () => h('span', { class: 'narrow-cell' }, h('i', {}), h('span', { class: 'cell' }), h('i', {})),
      update: updateCell,
    });
    this.#tools = tools.map((tool) => new ToolButton(tool, true));
    this.sheet = h(
      'dialog',
      { class: 'sheet', 'aria-labelledby': 'sheet-title' },
      h('h2', { id: 'sheet-title' }, 'Break it'),
    );
    this.sheet.append(...this.#tools.map(({ element }) => element));
    const inspector = h(
      'button',
      { class: 'tool', type: 'button', onclick: toggleInspector },
      icon('inspector'),
      h('span', { class: 'labels' }, 'Inspector'),
      h('span', { class: 'explains' }, 'Timelines, gaps and positions'),
    );
    this.sheet.append(inspector);
    this.sheet.addEventListener('click', ({ target }) => {
      if (target === this.sheet || (target as Element).closest('button') !== null) this.sheet.close();
    });
  }

  openSheet(): void {
    this.sheet.showModal();
  }

  update(): void {
    const { panes, tab } = this.#app;
    this.#buttons.forEach((button, i) => {
      const name = TABS[i]!;
      setAttribute(button, 'aria-selected', String(name === tab));
      const { state, text } = name === 'timeline' ? this.#timelineState() : this.#deviceState(panes[name].device);
      if (name !== 'timeline') setText(button.firstElementChild!, this.#app.nameOfSide(name));
      const holder = button.lastElementChild!;
      setAttribute(holder, 'data-state', state);
      setAttribute(holder.firstElementChild!, 'data-hollow', state === 'offline');
      setText(holder.lastElementChild!, text);
    });
    for (const tool of this.#tools) tool.update();
    this.#cells.render(this.#stripCells());
  }

  #deviceState(device: DemoDevice) {
    const { state, text } = stateOf(device, this.#app.supervisor.isCut(device.id));
    const received = this.#app.counter.count().devices.get(device.id)?.received ?? 0;
    return { state, text: state === 'live' ? count(received) : text };
  }

  #timelineState() {
    const waiting = this.#app.devices.reduce((sum, { id }) => sum + this.#app.counter.waiting(id), 0);
    return { state: '', text: waiting === 0 ? 'all at the tail' : `${count(waiting)} behind` };
  }

  #stripCells(): StripCell[] {
    const { conversation, devices } = this.#app;
    if (conversation === undefined) return [];
    const ahead = devices.reduce((best, device) =>
      device.position(conversation) > best.position(conversation) ? device : best,
    );
    const stored = ahead
      .messages(conversation)
      .filter(({ seqId }) => seqId !== undefined)
      .slice(-STRIP_ENTRIES);
    const first = stored[0]?.seqId ?? 0n;
    const flags = (seqId: bigint | undefined, user: string) =>
      devices
        .filter((device) => device.user === user && placeOf(device.position(conversation), first) === seqId)
        .map(({ letter }) => letter)
        .join(' ');
    const cells = stored.map(({ seqId, sender, recalled }): StripCell => {
      return { seqId, sender, isRecalled: recalled, left: flags(seqId, 'ann'), right: flags(seqId, 'bob') };
    });
    const isEmpty = stored.length === 0;
    const next = {
      seqId: undefined,
      sender: '',
      isRecalled: false,
      left: isEmpty ? 'A' : '',
      right: isEmpty ? 'B' : '',
    };
    return [...cells, next];
  }
}

/** A flag before the strip stands at its first entry. */
const placeOf = (position: bigint, first: bigint): bigint => (position < first ? first : position);

function updateCell(element: HTMLElement, { seqId, sender, isRecalled, left, right }: StripCell): void {
  const [above, cell, below] = element.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
  setText(cell, seqId === undefined ? 'next' : seqIdText(seqId));
  setAttribute(cell, 'data-next', seqId === undefined);
  setAttribute(cell, 'data-person', seqId === undefined ? undefined : personOf(sender));
  setAttribute(cell, 'data-recalled', isRecalled);
  setText(above, left);
  setText(below, right);
}
