/** The list of keys, with a switch that turns single letters off. */
import { h } from '../dom.js';

const KEYS = [
  ['1 · 2', 'composer of Ann · Bob'],
  ['F6 · Shift F6', 'next · previous area'],
  ['T · I · D · ?', 'Timeline · Inspector · theme · this list'],
  ['Enter · Shift Enter', 'send · new line'],
  ['A · B · K', 'cut or reconnect Ann · Bob · kill or restart the server'],
  ['↑ in an empty field', 'edit your last message'],
  ['M · N · X', 'send 1,000 · add a device · skip past the TTL'],
  ['↑ ↓ Home End in a thread', 'message by message; past the first loads older ones'],
  ['← → in toolbars and strips', 'next item'],
  ['E · R · Delete on a message', 'edit · react · recall'],
] as const;

const KEY = 'timeline-demo-letters';

export class KeysDialog {
  readonly element: HTMLDialogElement;
  readonly #letters: HTMLInputElement;

  constructor() {
    this.#letters = h('input', { type: 'checkbox' });
    this.#letters.checked = localStorage.getItem(KEY) !== 'off';
    this.#letters.addEventListener('change', () => localStorage.setItem(KEY, this.#letters.checked ? 'on' : 'off'));
    const rows = KEYS.map(([keys, does]) => h('tr', {}, h('th', { scope: 'row' }, keys), h('td', {}, does)));
    const close = h('button', { class: 'plain-button', type: 'button', onclick: () => this.element.close() }, 'Close');
    this.element = h(
      'dialog',
      { class: 'dialog', 'aria-labelledby': 'keys-title' },
      h('h2', { id: 'keys-title' }, 'Keys'),
      h('table', {}, h('tbody', {}, ...rows)),
      h('div', { class: 'row-of-buttons' }, h('label', {}, this.#letters, 'Single letters work'), close),
    );
  }

  get areLettersOn(): boolean {
    return this.#letters.checked;
  }

  open(): void {
    if (!this.element.open) this.element.showModal();
  }
}
