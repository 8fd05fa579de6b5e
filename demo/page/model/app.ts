/** The state of the page: devices, panes, counts. Parts read it in one pass for each frame. */
import type { ChatEntry, Outgoing } from '../../../client/types.js';
import type { Body } from '../../shared/bodies.js';
import { channelMembers, LUNCH, nameOf } from '../../shared/people.js';
import { DeliveryCounter } from '../counting/delivery-counter.js';
import { Latency } from '../counting/latency.js';
import { durationText, plural } from '../words.js';
import { type CaughtUp, DemoDevice, type DeviceListener, type Person } from './demo-device.js';
import { Narrator } from './narrator.js';
import { otherSide, Pane, type Side } from './pane.js';
import { SupervisorLink } from './supervisor.js';
import { Typing } from './typing.js';

/** An entry that is shown on both sides at once. */
export interface LinkedEntry {
  readonly conversation: string;
  readonly seqId: bigint;
}

/** Messages to send from which on it is a burst. */
const BURST = 20;
/** Milliseconds between two frames of a burst. */
const BURST_FRAME_MS = 80;

export class App implements DeviceListener {
  readonly supervisor = new SupervisorLink(() => this.changed());
  readonly narrator = new Narrator(() => this.changed());
  readonly counter = new DeliveryCounter();
  readonly latency = new Latency();
  readonly typingUsers = new Typing(() => this.changed());
  readonly devices: DemoDevice[] = [];
  readonly panes: Readonly<Record<Side, Pane>>;
  /** The side that was used last. */
  activeSide: Side = 'left';
  linked: LinkedEntry | undefined;
  isInspectorOpen = false;
  /** A view of a narrow page. */
  tab: Side | 'timeline' = 'left';
  /** Messages that Cem, or anybody else who has no client here, may answer. */
  onOwnMessage: (conversation: string) => void = () => {};
  readonly #frame: () => void;
  readonly #baselined = new Set<string>();
  readonly #begun = new Set<DemoDevice>();
  /** Last SeqIds that devices got before they count, by conversation. */
  readonly #early = new Map<DemoDevice, Map<string, bigint>>();
  #isScheduled = false;

  /** `frame` draws the page; it is called once for any number of changes. */
  constructor(frame: () => void) {
    this.#frame = frame;
    const laptop = this.addDevice('ann', 'laptop');
    const phone = this.addDevice('bob', 'phone');
    this.panes = { left: new Pane('left', laptop), right: new Pane('right', phone) };
    for (const pane of Object.values(this.panes)) pane.choose(LUNCH);
  }

  addDevice(user: Person, title: string): DemoDevice {
    const number = this.devices.filter((device) => device.user === user).length + 1;
    const letter = `${nameOf(user).charAt(0)}${number > 1 ? number : ''}`;
    const device = new DemoDevice({ user, device: `${title}-${tabId()}`, title, letter }, this);
    device.waitingOf = () => this.counter.waiting(device.id);
    this.devices.push(device);
    this.changed();
    return device;
  }

  devicesOf(user: Person): DemoDevice[] {
    return this.devices.filter((device) => device.user === user);
  }

  /** Members of the channel. */
  get channelMembers(): number {
    return channelMembers(this.supervisor.status?.store ?? 'sqlite');
  }

  /** The conversation that the Timeline in the middle shows. */
  get conversation(): string | undefined {
    return this.panes[this.activeSide].conversation;
  }

  /** Opens a conversation on a side, and on the other one too if both people are in it. */
  choose(side: Side, conversation: string): void {
    this.activeSide = side;
    this.panes[side].choose(conversation);
    const other = this.panes[otherSide(side)];
    if (other.device.isIn(conversation)) other.choose(conversation);
    this.linked = undefined;
    this.changed();
  }

  /** Puts a device on a side. The two sides change places if it stands on the other one. */
  stand(side: Side, device: DemoDevice): void {
    const pane = this.panes[side];
    const other = this.panes[otherSide(side)];
    if (pane.device === device) return;
    if (other.device === device) other.show(pane.device);
    pane.show(device);
    // Somebody else may not be in the conversation that is shown.
    const both = Object.values(this.panes).map(({ conversation }) => conversation);
    for (const each of [pane, other]) {
      if (each.conversation === undefined || each.device.isIn(each.conversation)) continue;
      each.choose(both.find((id) => id !== undefined && each.device.isIn(id)) ?? LUNCH);
    }
    this.activeSide = side;
    this.linked = undefined;
    this.changed();
  }

  /** The side on which a person stands: by default Ann on the left one, Bob on the right one. */
  sideOf(user: Person): Side {
    const usual = user === 'ann' ? 'left' : 'right';
    const isOnlyOnOther = this.panes[usual].person !== user && this.panes[otherSide(usual)].person === user;
    return isOnlyOnOther ? otherSide(usual) : usual;
  }

  /** "Ann", or "Bob's tablet" if both sides are Bob's. */
  nameOfSide(side: Side): string {
    const { device } = this.panes[side];
    const isOfBoth = device.user === this.panes[otherSide(side)].person;
    return isOfBoth ? `${nameOf(device.user)}'s ${device.title}` : nameOf(device.user);
  }

  /** The owner of the pane looks at it: what it shows is read. */
  attend(side: Side): void {
    this.activeSide = side;
    if (this.panes[side].markRead()) this.changed();
  }

  changed(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const draw = () => {
      this.#isScheduled = false;
      this.#count();
      this.#frame();
    };
    // In a burst, drawing each frame would leave the clients little time.
    if (this.devices.some(({ toSend }) => toSend > BURST))
      setTimeout(() => requestAnimationFrame(draw), BURST_FRAME_MS);
    else requestAnimationFrame(draw);
  }

  handedOver(device: DemoDevice, entry: ChatEntry<Body>): void {
    if (entry.kind === 'message' && entry.relatesTo === undefined && entry.countable !== false) {
      if (!this.#begun.has(device)) {
        this.#noteEarly(device, entry);
        return;
      }
      const now = performance.now();
      this.counter.show(device.id, entry.conversation, entry.seqId);
      this.typingUsers.stop(entry.conversation, entry.sender);
      if (device.user !== entry.sender) this.latency.shown(entry.conversation, entry.seqId, now, device.liveSince);
    }
    this.changed();
  }

  stored(device: DemoDevice, { kind, conversation, target }: Outgoing<Body>, seqId: bigint, sentAt: number): void {
    if (kind === 'send' && target === undefined) {
      this.counter.stored(conversation, seqId);
      if (!Number.isNaN(sentAt)) this.latency.sent(conversation, seqId, device.user, sentAt);
    }
    this.changed();
  }

  caughtUp(device: DemoDevice, { entries, ms }: CaughtUp): void {
    this.narrator.tell({
      strong: `${this.nameOf(device)} caught up ${plural(entries, 'message')} in ${durationText(ms)}.`,
    });
  }

  rebuilt(device: DemoDevice): void {
    this.counter.rebuild(device.id);
    const strong = `${nameOf(device.user)}'s ${device.title} slept past the TTL.`;
    this.narrator.tell({ strong, rest: 'It was rebuilt from the conversation.' });
  }

  typing(device: DemoDevice, conversation: string, from: string): void {
    if (from !== device.user) this.typingUsers.note(conversation, from);
  }

  /** "Bob", or "Bob's tablet" where Bob has several devices. */
  nameOf(device: DemoDevice): string {
    const name = nameOf(device.user);
    return this.devicesOf(device.user).length > 1 ? `${name}'s ${device.title}` : name;
  }

  #noteEarly(device: DemoDevice, { conversation, seqId }: ChatEntry<Body>): void {
    const got = this.#early.get(device) ?? new Map<string, bigint>();
    this.#early.set(device, got.set(conversation, seqId));
  }

  /** Counting begins where the conversations end when the page opens. */
  #count(): void {
    for (const device of this.devices) {
      if (!device.chat.conversations.isLoaded || !device.hasBeenLive) continue;
      const list = device.chat.conversations.getSnapshot();
      if (!this.#baselined.has(device.user)) {
        for (const { conversation, lastSeqId } of list) this.counter.begin(conversation, lastSeqId);
        this.#baselined.add(device.user);
      }
      for (const { conversation } of list) this.counter.expect(device.id, conversation);
      if (this.#begun.has(device)) continue;
      this.#begun.add(device);
      this.counter.beginDevice(device.id, this.#early.get(device));
      this.#early.delete(device);
    }
  }
}

/** Tells the devices of two tabs apart; a tab that is loaded again is the same devices. */
function tabId(): string {
  const KEY = 'timeline-demo-tab';
  const known = sessionStorage.getItem(KEY);
  if (known !== null) return known;
  const id = Math.random().toString(36).slice(2, 6).padEnd(4, '0');
  sessionStorage.setItem(KEY, id);
  return id;
}
