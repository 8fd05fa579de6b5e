/** The actions of the toolbar: faults, and the actions that undo them. */
import { CHANNEL, CHANNEL_AUTHOR, IMPORTED, LUNCH, nameOf } from '../../shared/people.js';
import { durationText, plural } from '../words.js';
import type { App } from './app.js';
import type { Companion } from './companion.js';
import type { DemoDevice, Person } from './demo-device.js';
import { otherSide, type Side } from './pane.js';

/** Messages of a burst; tests on a busy machine send fewer. */
const BURST = Number(new URLSearchParams(location.search).get('burst') ?? 1000);
const SENDS_PER_TASK = 100;
/** The tablets that can be added, in this order. */
const MORE_DEVICES: readonly Person[] = ['bob', 'ann'];

export class Faults {
  readonly #app: App;
  readonly #companion: Companion;
  /** The burst under way: its size, and the messages acknowledged so far. */
  burst: { readonly total: number; acknowledged: number; readonly device: DemoDevice } | undefined;
  isSkipping = false;

  constructor(app: App, companion: Companion) {
    this.#app = app;
    this.#companion = companion;
  }

  isCut(side: Side): boolean {
    return this.#app.supervisor.isCut(this.#app.panes[side].device.id);
  }

  /** Cuts the device of a side off, or gives it its network back. */
  toggleNetwork(side: Side): Promise<void> {
    return this.#attempt('The network stays as it is.', () => this.#toggleNetwork(side));
  }

  async #toggleNetwork(side: Side): Promise<void> {
    const { device } = this.#app.panes[side];
    if (this.isCut(side)) return this.#restore(device);
    await this.#cut(device);
    const other = this.#app.nameOfSide(otherSide(side));
    const again = this.#app.nameOfSide(side);
    const isOfOnePerson = this.#app.panes.left.person === this.#app.panes.right.person;
    const writers = isOfOnePerson ? 'on either side' : `as ${other}, or as ${again}`;
    this.#app.narrator.tell({
      strong: `${this.#app.nameOf(device)} is offline.`,
      rest: `Write something ${writers}, then reconnect ${again}.`,
    });
  }

  get isServerDown(): boolean {
    return this.#app.supervisor.status?.server === 'down';
  }

  /** False for a store that dies with its server. */
  get canKill(): boolean {
    return this.#app.supervisor.status?.survivesKill ?? true;
  }

  /** Kills the chat server, or starts it again. */
  toggleServer(): Promise<void> {
    return this.#attempt('The server did not start.', () => this.#toggleServer());
  }

  async #toggleServer(): Promise<void> {
    const { supervisor, narrator } = this.#app;
    if (!this.canKill && !this.isServerDown)
      return narrator.tell({
        strong: 'A memory store ends with its server.',
        rest: 'All messages would be gone. Start the demo with --store sqlite to kill it.',
      });
    if (!this.isServerDown) {
      await supervisor.post('kill');
      return;
    }
    await supervisor.post('restart');
    // The store of before is gone, and with it all that the devices show.
    if (!this.canKill) return location.reload();
    narrator.tell({ strong: 'The server is back.', rest: 'Every device resumes at its own position.' });
  }

  /** Sends a thousand messages at once, as the person of the active pane if that one may write, else as Ann. */
  async sendBurst(): Promise<void> {
    const { panes, activeSide, narrator } = this.#app;
    if (this.burst !== undefined) return;
    const conversation = panes[activeSide].conversation ?? LUNCH;
    const mayWrite = conversation !== CHANNEL || panes[activeSide].person === CHANNEL_AUTHOR;
    const device = mayWrite ? panes[activeSide].device : this.#app.devicesOf(CHANNEL_AUTHOR)[0]!;
    const burst = { total: BURST, acknowledged: 0, device };
    this.burst = burst;
    const started = performance.now();
    const isLive = device.state === 'live';
    narrator.tell(
      isLive
        ? { strong: '1,000 messages at once.', rest: 'Each has a key, so that none can be stored twice.' }
        : { strong: `1,000 messages wait on ${this.#app.nameOf(device)}.`, rest: 'They are sent once, in this order.' },
    );
    this.#app.changed();
    const sends: Promise<void>[] = [];
    while (sends.length < BURST) {
      const { sent } = device.send(conversation, `${sends.length + 1} of 1,000`);
      sends.push(
        sent.then(
          () => {
            burst.acknowledged += 1;
          },
          () => undefined,
        ),
      );
      // All in one task would keep the page from drawing.
      if (sends.length % SENDS_PER_TASK === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    await Promise.all(sends);
    await this.#untilAllHave();
    this.burst = undefined;
    const took = durationText(performance.now() - started);
    narrator.tell({
      strong: `1,000 sent in ${took}.`,
      rest: isLive ? 'Both sides have them.' : 'All of them, once, in order.',
    });
  }

  /** The person who gets the next device; `undefined` once all have theirs. */
  get nextDevice(): Person | undefined {
    return MORE_DEVICES.find((person) => this.#app.devicesOf(person).length === 1);
  }

  addDevice(): DemoDevice | undefined {
    const person = this.nextDevice;
    if (person === undefined) return undefined;
    const device = this.#app.addDevice(person, 'tablet');
    const { conversation } = this.#app.panes[this.#app.sideOf(person)];
    // Both devices follow the conversation, so that the Timeline shows where each stands.
    if (conversation !== undefined) device.messages(conversation);
    this.#app.narrator.tell({
      strong: `${nameOf(person)} has a tablet now.`,
      rest: `It has a position of its own. Put it on either side: choose it in a header.`,
    });
    return device;
  }

  /** Lets a device sleep until the inbox of its user has expired, and wakes it. */
  async skipPastTtl(): Promise<void> {
    const { supervisor, devices, narrator } = this.#app;
    if (this.isSkipping || supervisor.status?.server !== 'up') return;
    this.isSkipping = true;
    const asleep = devices.filter(({ id }) => supervisor.isCut(id)).at(-1);
    const device = asleep ?? this.#app.devicesOf('bob').at(-1)!;
    try {
      if (asleep === undefined) await this.#cut(device);
      const whose = `${nameOf(device.user)}'s ${device.title}`;
      narrator.tell({ strong: `${whose} is asleep.`, rest: 'Its inbox expires while messages arrive.' });
      await this.#companion.sayWhileAsleep();
      await supervisor.post('expire', { user: device.user });
      await this.#restore(device);
    } catch (error) {
      narrator.tell({ strong: 'The inbox could not expire.', rest: error instanceof Error ? error.message : '' });
      // A device that was not cut off by hand comes back by itself.
      if (asleep === undefined) await this.#restore(device).catch(() => {});
    } finally {
      this.isSkipping = false;
      this.#app.changed();
    }
  }

  async playSample(): Promise<void> {
    const answer = await fetch('/sample.txt');
    await this.play('sample.txt', await answer.blob());
  }

  /** Imports a log, and opens it on both sides. */
  async play(name: string, log: Blob): Promise<void> {
    const { narrator, supervisor } = this.#app;
    try {
      const result = (await supervisor.post('import', { name }, log)) as { readonly messages: number };
      narrator.tell({
        strong: `${plural(result.messages, 'message')} of ${name}.`,
        rest: 'In "Imported log" on both sides.',
      });
      this.#app.choose('left', IMPORTED);
    } catch (error) {
      narrator.tell({ strong: 'Nothing was imported.', rest: error instanceof Error ? error.message : String(error) });
    }
  }

  /** A request of its own may fail too: the server was killed again, or the demo has ended. */
  async #attempt(strong: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#app.narrator.tell({ strong, rest: error instanceof Error ? error.message : String(error) });
    }
  }

  async #cut({ id }: DemoDevice): Promise<void> {
    await this.#app.supervisor.post('cut', { device: id });
  }

  async #restore({ id }: DemoDevice): Promise<void> {
    await this.#app.supervisor.post('restore', { device: id });
    // Clients try at once when the network is back.
    dispatchEvent(new Event('online'));
  }

  /** Resolves once every live device has been shown everything. */
  async #untilAllHave(): Promise<void> {
    const { devices, counter } = this.#app;
    const isBehind = () => devices.some(({ id, state }) => state === 'live' && counter.waiting(id) > 0);
    while (isBehind()) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
