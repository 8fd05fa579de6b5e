/** Flags beside the Timeline: each rests at the last entry that its device has shown. */
import { nameOf } from '../../shared/people.js';
import { h, Keyed, setAttribute, setStyle, setText } from '../dom.js';
import type { App } from '../model/app.js';
import type { DemoDevice } from '../model/demo-device.js';
import type { Side } from '../model/pane.js';
import type { SpineRow } from '../model/spine-rows.js';

interface Place {
  readonly row: SpineRow;
  readonly bottom: number;
}

/** One flag for the devices of a person that stand at the same entry: "B", "B2", or "B 2" for both. */
interface Flag {
  readonly devices: readonly DemoDevice[];
  readonly side: Side;
  readonly bottom: number;
  /** Distance to the tail, 0 at it. */
  readonly behind: number;
  /** Sides with a line to the flag: a connected device of it stands there. */
  readonly wires: readonly Side[];
}

export class SpineFlags {
  readonly #app: App;
  readonly #flags: Keyed<Flag, HTMLElement>;

  constructor(spine: HTMLElement, app: App) {
    this.#app = app;
    const holder = h('div', { class: 'flags', 'aria-hidden': 'true' });
    spine.append(holder);
    this.#flags = new Keyed<Flag, HTMLElement>(holder, {
      keyOf: ({ devices: [first] }) => first!.id,
      create: (flag) => this.#create(flag),
      update: (element, flag) => this.#update(element, flag),
    });
  }

  update(devices: readonly DemoDevice[], placed: readonly Place[]): void {
    const { conversation, supervisor } = this.#app;
    if (conversation === undefined) {
      this.#flags.render([]);
      return;
    }
    const tail = placed.find(({ row }) => row.type === 'entry');
    const taken = new Map<string, Flag>();
    for (const device of devices) {
      const position = device.position(conversation);
      const at = placeOf(position, placed);
      const side = device.user === 'ann' ? 'left' : 'right';
      const place = `${side} ${at.bottom}`;
      const behind = tail !== undefined && at.bottom > tail.bottom ? at.bottom - tail.bottom : 0;
      const stage = Object.values(this.#app.panes).find((pane) => pane.device === device);
      const isConnected = device.isConnected && !supervisor.isCut(device.id);
      const wires = stage !== undefined && isConnected ? [stage.side] : [];
      const flag: Flag = { devices: [device], side, bottom: at.bottom, behind, wires };
      const other = taken.get(place);
      const joined =
        other === undefined
          ? flag
          : { ...other, devices: [...other.devices, device], wires: [...other.wires, ...wires] };
      taken.set(place, joined);
    }
    this.#flags.render([...taken.values()]);
  }

  #create({ devices: [first], side }: Flag): HTMLElement {
    const names = [h('span', { class: 'letter' }), h('span', { class: 'full-name' })];
    return h(
      'div',
      { class: 'flag-group', 'data-person': first!.user, 'data-side': side },
      h('span', { class: 'flag', 'data-side': side, 'data-device': first!.id }, ...names),
      h('span', { class: 'behind-bar' }),
      h('span', { class: 'wire', 'data-side': 'left' }),
      h('span', { class: 'wire', 'data-side': 'right' }),
    );
  }

  #update(element: HTMLElement, { side, bottom, behind, wires, devices }: Flag): void {
    const [flag, bar, ...lines] = element.children as unknown as [HTMLElement, HTMLElement, ...HTMLElement[]];
    setStyle(flag, 'transform', `translateY(${-(bottom + 2)}px)`);
    setStyle(bar, 'height', `${Math.max(0, behind - 2)}px`);
    setStyle(bar, 'bottom', `${bottom - behind + 2}px`);
    setStyle(bar, side === 'left' ? 'right' : 'left', 'calc(50% + 34px)');
    setAttribute(bar, 'hidden', behind === 0);
    for (const line of lines) {
      const lineSide = line.dataset.side as Side;
      setAttribute(line, 'hidden', !wires.includes(lineSide));
      // On the side of the flag the line ends at it, on the other one at the cell.
      setAttribute(line, 'data-long', lineSide !== side);
      setStyle(line, 'transform', `translateY(${-(bottom + 10.5)}px)`);
    }
    const [first, ...others] = devices.map(({ letter }) => letter);
    setText(flag.firstElementChild!, [first, ...others.map((letter) => letter.slice(1) || letter)].join(' '));
    const titles = devices.map(({ title }) => title).join(', ');
    const fullName = `${nameOf(devices[0]!.user)} · ${titles}`;
    setText(flag.lastElementChild!, fullName);
    setAttribute(flag, 'title', fullName);
  }
}

/** The newest row at or before the position. */
function placeOf(position: bigint, placed: readonly Place[]): Place {
  const first = placed.at(-1) ?? { row: { type: 'next' as const }, bottom: 0 };
  if (position === 0n) return first;
  const at = placed.find(({ row }) => row.type === 'entry' && row.seqId <= position);
  return at ?? first;
}
