/** Stands in place of messages where there are none. */
import { nameOf } from '../../shared/people.js';
import { h, setText } from '../dom.js';
import { svg } from '../icons.js';
import type { App } from '../model/app.js';
import type { Faults } from '../model/faults.js';
import type { Pane } from '../model/pane.js';

export interface EmptyThread {
  readonly element: HTMLElement;
  update(): void;
}

export function emptyThread(app: App, pane: Pane, faults: Faults): EmptyThread {
  if (pane.side === 'right') {
    const words = h('p', {});
    const update = () => {
      const { person } = app.panes.left;
      const what = person === pane.person ? 'What is written on the left side' : `What ${nameOf(person)} writes`;
      setText(words, `${what} appears here, once and in order.`);
    };
    return { element: h('div', { class: 'thread-empty' }, words), update };
  }
  const button = (text: string, act: () => void) => h('button', { type: 'button', onclick: act }, text);
  const choices = h(
    'div',
    { class: 'choices' },
    button('Say hello', () => pane.conversation && pane.device.send(pane.conversation, 'Hello')),
    button('Send 1,000', () => void faults.sendBurst()),
    button('Play a real chat', () => void faults.playSample()),
  );
  const words = [h('strong', {}, 'No messages yet'), h('p', {}, 'Write the first one, or fill the room:'), choices];
  return { element: h('div', { class: 'thread-empty' }, drawing(), ...words), update: () => {} };
}

/** The first cell of a Timeline, with a place for the next ones. */
function drawing(): SVGElement {
  const cell = (y: number, isFull: boolean) =>
    svg('rect', {
      x: 30,
      y,
      width: 24,
      height: 13,
      rx: 3,
      fill: isFull ? 'var(--ann-tint)' : 'none',
      stroke: isFull ? 'var(--ann-line)' : 'var(--line-2)',
      'stroke-dasharray': isFull ? 'none' : '3 2',
    });
  const arrow = (d: string) => svg('path', { d, fill: 'var(--ink-3)' });
  const parts = [
    cell(4, false),
    cell(22, false),
    cell(40, true),
    arrow('M16 42l8 4.5-8 4.5z'),
    arrow('M68 42l-8 4.5 8 4.5z'),
  ];
  return svg('svg', { viewBox: '0 0 84 64', 'aria-hidden': 'true' }, ...parts);
}
