/** Says which device a side shows: its owner's devices by name, the other person's by the letters of their flags. */
import { nameOf } from '../../shared/people.js';
import { h, Keyed, setAttribute, setText, show } from '../dom.js';
import type { App } from '../model/app.js';
import type { DemoDevice } from '../model/demo-device.js';
import type { Pane } from '../model/pane.js';
import { roving } from './roving.js';

/** As many devices stand side by side without a choice. */
const SIDES = 2;

export class DeviceSwitch {
  readonly element: HTMLElement;
  readonly #app: App;
  readonly #pane: Pane;
  readonly #devices: Keyed<DemoDevice, HTMLButtonElement>;

  constructor(app: App, pane: Pane) {
    this.#app = app;
    this.#pane = pane;
    const label = `Device on the ${pane.side} side`;
    this.element = h('div', { class: 'device-switch', role: 'radiogroup', 'aria-label': label, hidden: true });
    this.#devices = new Keyed<DemoDevice, HTMLButtonElement>(this.element, {
      keyOf: ({ id }) => id,
      create: (device) => this.#create(device),
      update: (button, device) => this.#update(button, device),
    });
    roving(this.element, 'button');
  }

  /** Returns true if there is something to choose. */
  update(): boolean {
    const { devices } = this.#app;
    if (!show(this.element, devices.length > SIDES)) return false;
    const isOwn = ({ user }: DemoDevice) => user === this.#pane.person;
    this.#devices.render([...devices.filter(isOwn), ...devices.filter((device) => !isOwn(device))]);
    return true;
  }

  #create(device: DemoDevice): HTMLButtonElement {
    const { id, user, title, letter } = device;
    const name = `${nameOf(user)}'s ${title}`;
    return h('button', {
      type: 'button',
      role: 'radio',
      title: name,
      'aria-label': `${letter}, ${name}`,
      'data-device': id,
      'data-person': user,
      onclick: () => this.#app.stand(this.#pane.side, device),
    });
  }

  #update(button: HTMLButtonElement, device: DemoDevice): void {
    const isOwn = device.user === this.#pane.person;
    setText(button, isOwn ? device.title : device.letter);
    setAttribute(button, 'data-letter', !isOwn);
    setAttribute(button, 'aria-checked', String(device === this.#pane.device));
  }
}
