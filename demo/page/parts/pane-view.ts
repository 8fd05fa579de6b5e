/** One side of the stage: the device's header, its conversations and the thread. */
import { nameOf } from '../../shared/people.js';
import { h, setAttribute, setStyle, setText, show } from '../dom.js';
import type { App } from '../model/app.js';
import type { DemoDevice } from '../model/demo-device.js';
import type { Pane } from '../model/pane.js';
import { count } from '../words.js';
import { ConversationList } from './conversation-list.js';
import { roving } from './roving.js';
import { Thread, type ThreadOptions } from './thread.js';

export class PaneView {
  readonly element: HTMLElement;
  readonly thread: Thread;
  readonly list: ConversationList;
  readonly #app: App;
  readonly #pane: Pane;
  readonly #deviceName = h('span', { class: 'device-name' });
  readonly #switch: HTMLElement;
  readonly #stateText = h('span', {});
  readonly #dot = h('span', { class: 'dot' });
  readonly #state: HTMLElement;
  readonly #progress = h('span', { class: 'catch-up-progress', hidden: true });

  constructor(options: ThreadOptions) {
    const { app, pane } = options;
    this.#app = app;
    this.#pane = pane;
    this.thread = new Thread(options);
    this.thread.composer.onEditLast = () => this.thread.editLast();
    this.list = new ConversationList(app, pane);
    const name = nameOf(pane.person);
    this.#switch = h('div', {
      class: 'device-switch',
      role: 'radiogroup',
      'aria-label': `${name}'s devices`,
      hidden: true,
    });
    roving(this.#switch, 'button');
    this.#state = h('span', { class: 'device-state' }, this.#dot, this.#stateText);
    const avatar = h(
      'span',
      { class: 'avatar', 'data-round': true, 'data-person': pane.person, 'aria-hidden': 'true' },
      name.charAt(0),
    );
    this.element = h(
      'section',
      { class: 'pane', 'data-side': pane.side, 'data-person': pane.person, 'data-area': pane.person, tabindex: -1 },
      h(
        'div',
        { class: 'pane-header' },
        avatar,
        h('h2', {}, name),
        this.#deviceName,
        this.#switch,
        this.#state,
        this.#progress,
      ),
      h('div', { class: 'pane-body' }, this.list.element, this.thread.element),
    );
    // A person who looks at a pane has read what it shows.
    for (const event of ['pointerdown', 'pointermove', 'focusin', 'keydown'] as const)
      this.element.addEventListener(event, () => app.attend(pane.side), { passive: true });
  }

  update(): void {
    const { device, person } = this.#pane;
    const devices = this.#app.devicesOf(person);
    setAttribute(this.element, 'aria-label', `${nameOf(person)}, ${device.title}`);
    setText(this.#deviceName, device.title);
    show(this.#deviceName, devices.length < 2);
    if (show(this.#switch, devices.length > 1)) this.#updateSwitch(devices);
    const isCut = this.#app.supervisor.isCut(device.id);
    setAttribute(this.element, 'data-cut', isCut);
    setAttribute(this.element, 'data-list', this.#pane.showsList);
    const { state, text } = stateOf(device, isCut);
    setAttribute(this.#state, 'data-state', state);
    setAttribute(this.#dot, 'data-hollow', state === 'offline');
    setText(this.#stateText, text);
    const { progress } = device;
    if (show(this.#progress, progress !== undefined && progress.total > 0))
      setStyle(this.#progress, 'transform', `scaleX(${Math.min(1, progress!.done / progress!.total)})`);
    this.list.update();
    this.thread.update();
    if (this.element.contains(document.activeElement) && document.hasFocus()) this.#pane.markRead();
  }

  #updateSwitch(devices: readonly DemoDevice[]): void {
    while (this.#switch.childElementCount < devices.length) {
      const device = devices[this.#switch.childElementCount]!;
      const choose = () => {
        this.#pane.show(device);
        this.#app.changed();
      };
      this.#switch.append(h('button', { type: 'button', role: 'radio', onclick: choose }, device.title));
    }
    devices.forEach((device, i) => {
      setAttribute(this.#switch.children[i]!, 'aria-checked', String(device === this.#pane.device));
    });
  }
}

type ShownState = 'live' | 'catching-up' | 'offline' | 'reconnecting';

/** The state of a device in words, never by a dot alone. */
export function stateOf(device: DemoDevice, isCut: boolean): { readonly state: ShownState; readonly text: string } {
  const { state, toSend, progress } = device;
  const toSendText = toSend > 0 ? ` · ${count(toSend)} to send` : '';
  if (isCut) return { state: 'offline', text: `Offline${toSendText}` };
  if (state === 'live') return { state: 'live', text: 'Live' };
  if (state === 'catching-up') {
    const total = Math.max(progress?.total ?? 0, progress?.done ?? 0);
    const of = progress === undefined || total === 0 ? '' : ` · ${count(progress.done)} of ${count(total)}`;
    return { state: 'catching-up', text: `Catching up${of}` };
  }
  return { state: 'reconnecting', text: `Reconnecting${toSendText}` };
}
