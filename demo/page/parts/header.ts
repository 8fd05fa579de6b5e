/** The top line: name, store, the toolbar that breaks things, views. */
import { nameOf } from '../../shared/people.js';
import type { StoreName } from '../../shared/status.js';
import { h, setAttribute, setText } from '../dom.js';
import { type IconName, icon, setIcon, svg } from '../icons.js';
import type { App } from '../model/app.js';
import type { Person } from '../model/demo-device.js';
import type { Faults } from '../model/faults.js';
import type { Theme } from '../theme.js';
import { roving } from './roving.js';

const STORE_NAMES: Record<StoreName, string> = {
  memory: 'memory',
  sqlite: 'SQLite',
  redis: 'Redis',
  tablestore: 'TableStore',
};

/** One thing that the toolbar does. */
export interface Tool {
  readonly id: string;
  readonly icons: readonly [off: IconName, on: IconName];
  labels(): readonly [off: string, on: string];
  explains(): string;
  act(): unknown;
  isOn(): boolean;
  isOff?(): boolean;
}

export function toolsOf(app: App, faults: Faults): Tool[] {
  const network = (user: Person): Tool => ({
    id: `cut-${user}`,
    icons: ['cut', 'network'],
    labels: () => {
      const side = app.sideOf(user);
      // A whole name would be too wide for the toolbar.
      const name = app.panes.left.person === app.panes.right.person ? app.panes[side].device.title : nameOf(user);
      return [`Cut ${name} off`, `Reconnect ${name}`];
    },
    explains: () => `Messages wait on the ${app.panes[app.sideOf(user)].device.title}, then it catches up`,
    act: () => faults.toggleNetwork(app.sideOf(user)),
    isOn: () => faults.isCut(app.sideOf(user)),
  });
  return [
    network('ann'),
    network('bob'),
    {
      id: 'kill',
      icons: ['kill', 'restart'],
      labels: () => ['Kill server', 'Restart server'],
      explains: () => (faults.canKill ? 'kill -9, then restart' : 'Not in memory: the messages would be gone'),
      act: () => faults.toggleServer(),
      isOn: () => faults.isServerDown,
      isOff: () => !faults.canKill,
    },
    {
      id: 'burst',
      icons: ['burst', 'burst'],
      labels: () => ['Send 1,000', 'Send 1,000'],
      explains: () => 'All at once',
      act: () => faults.sendBurst(),
      isOn: () => false,
      isOff: () => faults.burst !== undefined,
    },
    {
      id: 'device',
      icons: ['device', 'device'],
      labels: () => ['Add device', 'Add device'],
      explains: () => 'A tablet for Bob, then for Ann',
      act: () => faults.addDevice(),
      isOn: () => false,
      isOff: () => faults.nextDevice === undefined,
    },
    {
      id: 'ttl',
      icons: ['skip', 'skip'],
      labels: () => ['Skip past TTL', 'Skip past TTL'],
      explains: () => 'Inboxes expire, devices are rebuilt',
      act: () => faults.skipPastTtl(),
      isOn: () => false,
      isOff: () => faults.isSkipping || app.supervisor.status?.server !== 'up',
    },
  ];
}

export class ToolButton {
  readonly element: HTMLButtonElement;
  readonly #tool: Tool;
  /** Below its name; absent in the toolbar, which has it as title. */
  readonly #explains: HTMLElement | undefined;
  readonly #off = h('span', {});
  readonly #on = h('span', {});

  /** `explains`: says what it does, below its name. */
  constructor(tool: Tool, explains = false) {
    this.#tool = tool;
    this.#explains = explains ? h('span', { class: 'explains' }) : undefined;
    const labels = h('span', { class: 'labels', 'aria-hidden': explains ? undefined : 'true' }, this.#off, this.#on);
    this.element = h('button', { class: 'tool', type: 'button', 'data-tool': tool.id }, labels, this.#explains);
    this.element.addEventListener('click', () => {
      if (tool.isOff?.() && tool.id !== 'kill') return;
      void tool.act();
    });
  }

  update(): void {
    const isOn = this.#tool.isOn();
    const [off, on] = this.#tool.labels();
    const explains = this.#tool.explains();
    setIcon(this.element, this.#tool.icons[isOn ? 1 : 0]);
    setText(this.#off, off);
    setText(this.#on, on);
    if (this.#explains !== undefined) setText(this.#explains, explains);
    else {
      setAttribute(this.element, 'aria-label', isOn ? on : off);
      setAttribute(this.element, 'title', explains);
    }
    setAttribute(this.element, 'data-on', isOn);
    setAttribute(this.element, 'aria-disabled', this.#tool.isOff?.() ? 'true' : undefined);
    setAttribute(this.#off, 'data-off', isOn);
    setAttribute(this.#on, 'data-off', !isOn);
  }
}

export class Header {
  readonly element: HTMLElement;
  readonly breakIt: HTMLButtonElement;
  readonly #app: App;
  readonly #theme: Theme;
  readonly #store = h('span', { class: 'store' });
  readonly #tools: ToolButton[];
  readonly #inspector: HTMLButtonElement;
  readonly #themeButton: HTMLButtonElement;

  constructor(app: App, tools: readonly Tool[], theme: Theme, toggleInspector: () => void) {
    this.#app = app;
    this.#theme = theme;
    this.#tools = tools.map((tool) => new ToolButton(tool));
    const divider = () => h('span', { class: 'divider' });
    const [annsNetwork, bobsNetwork, kill, burst, device, ttl] = this.#tools.map(({ element }) => element);
    const toolbar = h(
      'div',
      { class: 'toolbar', role: 'toolbar', 'aria-label': 'Break it' },
      h('span', { class: 'title', 'aria-hidden': 'true' }, 'Break it'),
      annsNetwork,
      bobsNetwork,
      divider(),
      kill,
      burst,
      divider(),
      device,
      ttl,
    );
    roving(toolbar, 'button');
    this.#inspector = h(
      'button',
      { class: 'tool', type: 'button', 'data-tool': 'inspector', 'aria-label': 'Inspector', onclick: toggleInspector },
      icon('inspector'),
      h('span', { class: 'labels' }, 'Inspector'),
    );
    this.#themeButton = h('button', { class: 'icon-button', type: 'button', onclick: () => theme.toggle() });
    this.breakIt = h('button', { class: 'tool break-it', type: 'button' }, icon('kill'), 'Break it');
    this.element = h(
      'header',
      { class: 'header', 'data-area': 'header' },
      h('div', { class: 'brand' }, logo(), h('h1', {}, 'timeline-model'), this.#store),
      toolbar,
      h('div', { class: 'views' }, this.breakIt, this.#inspector, this.#themeButton),
    );
  }

  update(): void {
    const store = this.#app.supervisor.status?.store;
    setText(this.#store, store === undefined ? 'demo' : `demo · ${STORE_NAMES[store]}`);
    for (const tool of this.#tools) tool.update();
    setAttribute(this.#inspector, 'aria-pressed', String(this.#app.isInspectorOpen));
    setIcon(this.#themeButton, this.#theme.isDark ? 'sun' : 'moon');
    setAttribute(this.#themeButton, 'aria-label', this.#theme.isDark ? 'Light theme' : 'Dark theme');
  }
}

/** Three cells of a Timeline between two flags. */
function logo(): SVGElement {
  const cell = (y: number, fill: string) => svg('rect', { x: 7, y, width: 9, height: 6, rx: 1.5, fill });
  const flag = (d: string) => svg('path', { d, fill: 'var(--ink)' });
  return svg(
    'svg',
    { viewBox: '0 0 24 24', 'aria-hidden': 'true' },
    cell(1.5, 'var(--ink-3)'),
    cell(9, 'var(--ann)'),
    cell(16.5, 'var(--bob)'),
    flag('M1 9.5 4.5 12 1 14.5z'),
    flag('M23 17 19.5 19.5 23 22z'),
  );
}
