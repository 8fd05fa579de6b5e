/** The inspector: the conversation's Timeline and the inboxes as strips, positions as flags, one entry in full. */
import type { InspectedEntry, InspectedTimeline } from '../../shared/inspection.js';
import { h, Keyed, setAttribute, setText } from '../dom.js';
import { icon } from '../icons.js';
import type { App } from '../model/app.js';
import type { InspectionSource } from '../model/inspection-source.js';
import { entryDetail } from './entry-detail.js';
import { roving } from './roving.js';
import { type SelectedEntry, StripView } from './strip-view.js';

export class InspectorView {
  readonly element: HTMLElement;
  readonly #app: App;
  readonly #source: InspectionSource;
  readonly #strips: Keyed<InspectedTimeline, HTMLElement>;
  readonly #views = new WeakMap<HTMLElement, StripView>();
  readonly #detail = h('div', { class: 'entry-detail', tabindex: 0, role: 'region', 'aria-label': 'Selected entry' });
  readonly #follow: HTMLButtonElement;
  #selected: SelectedEntry | undefined;
  #shown = '';

  constructor(app: App, source: InspectionSource, close: () => void) {
    this.#app = app;
    this.#source = source;
    const strips = h('div', { class: 'strips' });
    this.#strips = new Keyed<InspectedTimeline, HTMLElement>(strips, {
      keyOf: ({ timeline }) => timeline,
      create: () => this.#createStrip(),
      update: (element, timeline) => this.#views.get(element)!.update(timeline, this.#selected, this.#recalled()),
    });
    this.#follow = h(
      'button',
      { class: 'plain-button', type: 'button', onclick: () => this.select(undefined) },
      'Follow the tail',
    );
    const closeButton = h(
      'button',
      { class: 'icon-button', type: 'button', 'aria-label': 'Close the inspector', onclick: close },
      icon('close'),
    );
    this.element = h(
      'aside',
      { class: 'inspector', 'aria-label': 'Inspector', 'data-area': 'inspector', hidden: true, tabindex: -1 },
      h(
        'div',
        { class: 'inspector-bar' },
        h('h2', {}, 'Inspector'),
        ...legends(),
        h('div', { class: 'at-end' }, this.#follow, closeButton),
      ),
      strips,
      this.#detail,
    );
  }

  select(entry: SelectedEntry | undefined): void {
    this.#selected = entry;
    this.#app.changed();
  }

  update(): void {
    const { isInspectorOpen } = this.#app;
    if (this.element.hidden === isInspectorOpen) this.element.hidden = !isInspectorOpen;
    const { inspection } = this.#source;
    if (!isInspectorOpen || inspection === undefined) return;
    this.#strips.render([inspection.conversation, ...inspection.inboxes]);
    this.#updateDetail();
  }

  #createStrip(): HTMLElement {
    const view = new StripView((entry) => this.select(entry));
    roving(view.track, 'button');
    this.#views.set(view.element, view);
    return view.element;
  }

  /** SeqIds of the conversation's recalled and edited messages: their copies in inboxes are drawn like them. */
  #recalled(): { readonly recalled: ReadonlySet<string>; readonly edited: ReadonlySet<string>; readonly in: string } {
    const { conversation } = this.#source.inspection!;
    const of = (wanted: (entry: InspectedEntry) => boolean | undefined) =>
      new Set(conversation.entries.filter(wanted).map(({ seqId }) => seqId));
    return {
      recalled: of(({ recalled, deleted }) => recalled || deleted),
      edited: of(({ edited }) => edited),
      in: conversation.timeline,
    };
  }

  #updateDetail(): void {
    const { inspection } = this.#source;
    const all = [inspection!.conversation, ...inspection!.inboxes];
    const timeline = all.find((strip) => strip.timeline === this.#selected?.timeline) ?? inspection!.conversation;
    const entry = this.#selected && timeline.entries.find(({ seqId }) => seqId === this.#selected!.seqId);
    setAttribute(this.#follow, 'aria-disabled', this.#selected === undefined ? 'true' : undefined);
    const shown = JSON.stringify([
      timeline.timeline,
      entry ?? timeline.entries.at(-1),
      inspection!.conversation.positions,
    ]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#detail.replaceChildren(...entryDetail(timeline, entry ?? timeline.entries.at(-1), inspection!));
    setText(this.#follow, 'Follow the tail');
  }
}

function legends(): HTMLElement[] {
  const cell = (attributes: Record<string, string | boolean>) =>
    h('span', { class: 'strip-cell', 'data-legend': true, ...attributes });
  const legend = (name: string, sign: Node, isMinor = true) =>
    h('span', { class: 'legend', 'data-minor': isMinor }, sign, name);
  return [
    legend('Ann', cell({ 'data-person': 'ann' }), false),
    legend('Bob', cell({ 'data-person': 'bob' }), false),
    legend('Others', cell({}), false),
    legend('Recalled', cell({ 'data-recalled': true })),
    legend('Edited', cell({ 'data-edited': true })),
    legend('Expired', h('span', { class: 'gone', 'data-legend': true })),
    legend("A reader's position", icon('flag')),
  ];
}
