/** The counter: the verdict in words, the figures, and the strip of latencies. */
import { CHANNEL, nameOf } from '../../shared/people.js';
import type { DeliveryFault } from '../counting/delivery-counter.js';
import { h, Keyed, setAttribute, setText, show } from '../dom.js';
import { setIcon } from '../icons.js';
import type { App } from '../model/app.js';
import type { Readers } from '../model/readers.js';
import { type Verdict, verdictOf } from '../model/verdict.js';
import { count } from '../words.js';
import { LatencyView } from './latency-view.js';

interface Figure {
  readonly key: string;
  readonly label: string;
  /** Stands for the label where there is little room. */
  readonly shortLabel?: string;
  readonly person?: string;
  /** Absent: unknown. */
  readonly value: number | undefined;
  readonly waiting?: number;
  readonly note?: string;
  /** A figure that has to be zero. */
  readonly isFault?: true;
}

/** Least milliseconds between two updates of the figures. */
const EVERY_MS = 100;
/** Figures of two devices, and a value from which on they need more room. */
const USUAL_FIGURES = 6;
const LONG = 100_000;
const ICONS = { none: 'minus', ok: 'check', wait: 'clock', bad: 'warning' } as const;

export class CounterView {
  readonly element: HTMLElement;
  readonly #app: App;
  readonly #readers: Readers;
  readonly #says = h('p', { class: 'says' });
  readonly #detail = h('p', { class: 'detail' });
  readonly #detailText = h('span', {});
  readonly #faultLinks: HTMLElement;
  readonly #badge = h('span', { class: 'badge' });
  readonly #figures: Keyed<Figure, HTMLElement>;
  readonly #latency = new LatencyView();
  #updatedAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #fault: DeliveryFault | undefined;

  constructor(app: App, readers: Readers, openEntry: (fault: DeliveryFault) => void) {
    this.#app = app;
    this.#readers = readers;
    const button = (text: string, act: () => void) => h('button', { type: 'button', onclick: act }, text);
    this.#faultLinks = h(
      'span',
      {},
      button('Open it in the inspector', () => this.#fault && openEntry(this.#fault)),
      ' · ',
      button('Count afresh', () => {
        app.counter.reset();
        app.changed();
      }),
    );
    this.#detail.append(this.#detailText, ' ', this.#faultLinks);
    const figures = h('dl', { class: 'figures' });
    this.#figures = new Keyed<Figure, HTMLElement>(figures, {
      keyOf: ({ key }) => key,
      create: createFigure,
      update: updateFigure,
    });
    this.element = h(
      'section',
      { class: 'counter', 'aria-label': 'Delivery counter' },
      h('div', { class: 'verdict' }, this.#badge, h('div', {}, this.#says, this.#detail)),
      figures,
      this.#latency.element,
    );
  }

  update(): void {
    const wait = this.#updatedAt + EVERY_MS - performance.now();
    if (wait > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#draw();
      }, wait);
      return;
    }
    this.#draw();
  }

  #draw(): void {
    this.#updatedAt = performance.now();
    const counted = this.#app.counter.count();
    const verdict = verdictOf(this.#app, counted, this.#readers);
    this.#drawVerdict(verdict);
    const unsent = this.#app.devices.reduce((sum, device) => sum + device.toSend, 0);
    const isKnown = verdict.kind !== 'none';
    const zero = (key: string, label: string, value: number): Figure => ({
      key,
      label,
      value: isKnown ? value : undefined,
      isFault: true,
    });
    const figures: Figure[] = [
      { key: 'sent', label: 'Sent', value: counted.sent, waiting: unsent },
      ...this.#app.devices.map((device): Figure => {
        const { received = 0, waiting = 0 } = counted.devices.get(device.id) ?? {};
        const label = `${nameOf(device.user)} · ${device.title}`;
        return { key: device.id, label, shortLabel: device.letter, person: device.user, value: received, waiting };
      }),
      ...this.#channelFigure(),
      zero('lost', 'Lost', counted.lost),
      zero('repeated', 'Repeated', counted.repeated),
      zero('out-of-order', 'Out of order', counted.outOfOrder),
    ];
    this.#figures.render(figures);
    setAttribute(this.element, 'data-figures', figures.length);
    const isLong = figures.some(({ value = 0 }) => value >= LONG);
    setAttribute(this.element, 'data-crowded', isLong || figures.length > USUAL_FIGURES);
    this.#latency.update(this.#app.latency, this.#app.supervisor.status?.server !== 'down');
  }

  #drawVerdict({ kind, says, detail, fault }: Verdict): void {
    setAttribute(this.element, 'data-verdict', kind);
    setIcon(this.#badge, ICONS[kind]);
    setText(this.#says, says);
    setText(this.#detailText, fault === undefined ? detail : '');
    setAttribute(this.#detail, 'title', detail);
    this.#fault = fault;
    show(this.#faultLinks, fault !== undefined);
  }

  #channelFigure(): Figure[] {
    const tail = this.#readers.atTail;
    if (this.#app.conversation !== CHANNEL || tail === undefined) return [];
    const label = `${count(tail.there + tail.behind)} more readers`;
    return [{ key: 'readers', label, shortLabel: 'Readers', value: tail.there, note: 'at the tail' }];
  }
}

function createFigure({ person, shortLabel }: Figure): HTMLElement {
  const value = h('span', { class: 'value' });
  const waiting = h('span', { class: 'waiting' }, h('span', {}), h('span', { class: 'word' }));
  const dot = person === undefined ? undefined : h('span', { class: 'dot' });
  const short = shortLabel === undefined ? undefined : h('span', { class: 'short', 'aria-hidden': 'true' }, shortLabel);
  const label = h('span', { class: 'label' });
  const figure = h('div', { class: 'figure' }, h('dt', {}, dot, label, short), h('dd', {}, value, waiting));
  setAttribute(figure, 'data-person', person);
  return figure;
}

function updateFigure(figure: HTMLElement, { key, label, value, waiting = 0, note, isFault }: Figure): void {
  const [valueElement, waitingElement] = figure.querySelectorAll<HTMLElement>('dd > span');
  setText(figure.querySelector('.label')!, label);
  setText(valueElement!, value === undefined ? '–' : count(value));
  setAttribute(figure, 'data-figure', key);
  setAttribute(valueElement!, 'data-zero', isFault && value === 0);
  setAttribute(valueElement!, 'data-fault', isFault && value !== undefined && value > 0);
  setAttribute(waitingElement!, 'class', note === undefined ? 'waiting' : 'note');
  setText(waitingElement!.firstElementChild!, note ?? (waiting > 0 ? count(waiting) : ''));
  setText(waitingElement!.lastElementChild!, note === undefined && waiting > 0 ? ' waiting' : '');
}
