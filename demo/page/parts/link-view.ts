/** Two curves that join an entry on both sides with its cell. */
import { personOf } from '../../shared/people.js';
import { setAttribute } from '../dom.js';
import { svg } from '../icons.js';
import type { App } from '../model/app.js';
import type { TimelineView } from './timeline-view.js';

export class LinkView {
  readonly element = svg('svg', { class: 'link', 'aria-hidden': 'true' });
  readonly #app: App;
  readonly #stage: HTMLElement;
  readonly #timeline: TimelineView;
  readonly #paths = { left: svg('path', {}), right: svg('path', {}) };

  constructor(app: App, stage: HTMLElement, timeline: TimelineView) {
    this.#app = app;
    this.#stage = stage;
    this.#timeline = timeline;
    this.element.append(this.#paths.left, this.#paths.right);
  }

  update(): void {
    const { linked } = this.#app;
    const cell = linked === undefined ? null : this.#timeline.cellOf(linked.seqId);
    for (const side of ['left', 'right'] as const) {
      const gutter = cell === null ? null : this.#gutter(side);
      const curve = gutter === null || cell === null ? undefined : this.#curve(gutter, cell, side);
      setAttribute(this.#paths[side], 'd', curve ?? '');
    }
    const sender = cell?.dataset.person ?? 'other';
    setAttribute(this.element, 'data-person', personOf(sender));
  }

  #gutter(side: 'left' | 'right'): Element | null {
    return this.#stage.querySelector(`.pane[data-side="${side}"] .row[data-linked] .gutter span`);
  }

  /** `undefined` if the row is out of view. */
  #curve(gutter: Element, cell: Element, side: 'left' | 'right'): string | undefined {
    const view = gutter.closest('.messages')!.getBoundingClientRect();
    const stage = this.#stage.getBoundingClientRect();
    const from = gutter.getBoundingClientRect();
    const to = cell.getBoundingClientRect();
    const y = (from.top + from.bottom) / 2;
    if (y < view.top || y > view.bottom || from.width === 0 || to.width === 0) return undefined;
    const start = { x: (side === 'left' ? from.right : from.left) - stage.left, y: y - stage.top };
    const end = { x: (side === 'left' ? to.left : to.right) - stage.left, y: (to.top + to.bottom) / 2 - stage.top };
    const bend = (end.x - start.x) * 0.7;
    return `M${start.x} ${start.y}C${start.x + bend} ${start.y} ${end.x - bend} ${end.y} ${end.x} ${end.y}`;
  }
}
