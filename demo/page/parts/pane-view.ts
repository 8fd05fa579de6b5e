/** One side of the stage: the device's header, its conversations and the thread. */
import { nameOf } from '../../shared/people.js';
import { h, setAttribute, setStyle, setText, show } from '../dom.js';
import type { App } from '../model/app.js';
import type { DemoDevice } from '../model/demo-device.js';
import type { Pane } from '../model/pane.js';
import { count } from '../words.js';
import { ConversationList } from './conversation-list.js';
import { DeviceSwitch } from './device-switch.js';
import { Thread, type ThreadOptions } from './thread.js';

export class PaneView {
  readonly element: HTMLElement;
  readonly thread: Thread;
  readonly list: ConversationList;
  readonly #app: App;
  readonly #pane: Pane;
  readonly #deviceName = h('span', { class: 'device-name' });
  readonly #switch: DeviceSwitch;
  readonly #avatar = h('span', { class: 'avatar', 'data-round': true, 'aria-hidden': 'true' });
  readonly #name = h('h2', {});
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
    this.#switch = new DeviceSwitch(app, pane);
    this.#state = h('span', { class: 'device-state' }, this.#dot, this.#stateText);
    this.element = h(
      'section',
      { class: 'pane', 'data-side': pane.side, 'data-area': pane.side, tabindex: -1 },
      h(
        'div',
        { class: 'pane-header' },
        this.#avatar,
        this.#name,
        this.#deviceName,
        this.#switch.element,
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
    const name = nameOf(person);
    setAttribute(this.element, 'aria-label', `${name}, ${device.title}`);
    setAttribute(this.element, 'data-person', person);
    setAttribute(this.#avatar, 'data-person', person);
    setText(this.#avatar, name.charAt(0));
    setText(this.#name, name);
    setText(this.#deviceName, device.title);
    show(this.#deviceName, !this.#switch.update());
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
