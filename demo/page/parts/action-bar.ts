/** Actions on the message under the pointer, or with the focus. */
import type { ShownMessage } from '../../../client/types.js';
import type { Body } from '../../shared/bodies.js';
import { h, show } from '../dom.js';
import { messageOf } from './message-row.js';

const EMOJI = [
  ['👍', 'thumbs up'],
  ['❤️', 'heart'],
  ['😄', 'laughing'],
] as const;

export interface MessageActions {
  react(message: ShownMessage<Body>, emoji: string): void;
  edit(message: ShownMessage<Body>): void;
  recall(message: ShownMessage<Body>): void;
  link(message: ShownMessage<Body> | undefined): void;
}

export class ActionBar {
  readonly #bar: HTMLElement;
  readonly #ownPart: HTMLElement;
  readonly #list: HTMLElement;
  #row: HTMLElement | undefined;

  constructor(list: HTMLElement, actions: MessageActions) {
    this.#list = list;
    const act = (what: (message: ShownMessage<Body>) => void) => () => {
      const message = this.#row && messageOf(this.#row);
      if (message !== undefined) what(message);
      this.#leave();
    };
    const emoji = EMOJI.map(([sign, name]) =>
      h(
        'button',
        {
          type: 'button',
          tabindex: -1,
          'aria-label': `React with ${name}`,
          onclick: act((m) => actions.react(m, sign)),
        },
        sign,
      ),
    );
    this.#ownPart = h(
      'span',
      { style: 'display: contents' },
      h('span', { class: 'divider' }),
      h('button', { type: 'button', tabindex: -1, onclick: act((m) => actions.edit(m)) }, 'Edit'),
      h('button', { type: 'button', tabindex: -1, onclick: act((m) => actions.recall(m)) }, 'Recall'),
    );
    this.#bar = h('div', { class: 'actions', role: 'group', 'aria-label': 'Actions' }, ...emoji, this.#ownPart);
    this.#bar.addEventListener('keydown', (event) => this.#move(event));
    const enter = (event: Event) => {
      const row = (event.target as Element).closest<HTMLElement>('.row');
      if (row === null) return;
      this.#enter(row);
      actions.link(messageOf(row));
    };
    const leave = (event: MouseEvent | FocusEvent) => {
      if (list.contains(event.relatedTarget as Node | null)) return;
      this.#leave();
      actions.link(undefined);
    };
    list.addEventListener('pointerover', (event) => event.pointerType !== 'touch' && enter(event));
    list.addEventListener('focusin', enter);
    list.addEventListener('pointerleave', leave);
    list.addEventListener('focusout', leave);
    // A finger has no hover: a tap opens and closes.
    list.addEventListener('click', (event) => {
      if ((event.target as Element).closest('button') === null) enter(event);
    });
  }

  /** Follows the row's message, which may have been recalled meanwhile. */
  update(): void {
    if (this.#row === undefined) return;
    const message = messageOf(this.#row);
    if (!this.#row.isConnected || message === undefined) {
      this.#leave();
      return;
    }
    show(this.#bar, message.seqId !== undefined && !message.recalled);
    const isOwn = message.isOwn;
    if ((this.#ownPart.style.display === 'contents') !== isOwn)
      this.#ownPart.style.display = isOwn ? 'contents' : 'none';
  }

  focus(row: HTMLElement): void {
    this.#enter(row);
    this.#bar.querySelector('button')?.focus();
  }

  #enter(row: HTMLElement): void {
    if (this.#row === row) return;
    this.#row = row;
    row.append(this.#bar);
    this.update();
  }

  #leave(): void {
    const row = this.#row;
    if (row === undefined) return;
    // A bar that goes with the focus in it would leave the focus nowhere.
    if (this.#bar.contains(document.activeElement)) (row.isConnected ? row : this.#list).focus();
    this.#bar.remove();
    this.#row = undefined;
  }

  #move(event: KeyboardEvent): void {
    const buttons = [...this.#bar.querySelectorAll('button')].filter((button) => button.offsetParent !== null);
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1 }[event.key];
    if (event.key === 'Escape') {
      event.stopPropagation();
      this.#row?.focus();
    }
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    buttons[(to + buttons.length) % buttons.length]?.focus();
  }
}
