import { SnapshotLog } from '../members/snapshot-log.js';
import type { Clock } from '../shared/clock.js';
import type { Context } from '../shared/context.js';
import { readerOf, timelineOf } from '../shared/names.js';
import { DeviceLog } from './device-log.js';
import { PageRecords } from './page-records.js';
import {
  type DevicesChange,
  type DevicesSnapshot,
  isBeingForgotten,
  type KnownDevice,
  UserDevices,
} from './user-devices.js';

const DAY_MS = 24 * 3600 * 1000;
/** Changes after which the log of the devices may be compacted. */
const LEAST_CHANGES = 64;
/** Positions of devices that are erased at the same time. */
const ERASED_AT_ONCE = 16;

/**
 * The devices of one user. A device is registered before its first position is stored. To forget it, a record says so
 * first, then its position is erased: whoever reads the list after a crash between the two finishes it.
 */
export class DeviceRegistry<M> {
  readonly user: string;
  readonly clock: Clock;
  readonly #context: Context<M>;
  readonly #state = new UserDevices();
  readonly #log: SnapshotLog<M, DevicesChange, DevicesSnapshot>;

  constructor(context: Context<M>, user: string) {
    this.user = user;
    this.clock = context.clock;
    this.#context = context;
    this.#log = new SnapshotLog(context.state, timelineOf.devices(user), this.#state);
  }

  /** Milliseconds between two records of a device that is in use. */
  get seenEveryMs(): number {
    const { deviceTtlMs } = this.#context;
    return deviceTtlMs === undefined ? DAY_MS : Math.min(DAY_MS, deviceTtlMs / 4);
  }

  /** Returns the devices that have a position, the one seen last first. Finishes what a crash left. */
  async list(): Promise<KnownDevice[]> {
    await this.#refresh();
    const present = this.#state.list().filter(({ forget }) => forget === undefined);
    return present.sort((a, b) => b.lastSeenAt - a.lastSeenAt);
  }

  /** Returns the device after reading the list. Finishes what a crash left. */
  async find(device: string): Promise<KnownDevice | undefined> {
    await this.#refresh();
    const known = this.#state.get(device);
    return known?.forget === undefined ? known : undefined;
  }

  /** Records that the device is in use; `undefined` if another process is forgetting it. */
  async see(device: string, since: bigint): Promise<KnownDevice | undefined> {
    await this.#append({ change: 'seen', device, since: String(since) });
    const known = this.#state.get(device);
    return known?.forget === undefined ? known : undefined;
  }

  /** Forgets a device, whether or not it is in use. */
  async forget(device: string): Promise<void> {
    const known = await this.find(device);
    if (known) await this.#forget([{ change: 'forget', device }]);
  }

  /** Forgets devices that were not seen for the time that the options say. `now` is a time by the store. */
  async forgetIdle(now: number): Promise<void> {
    const { deviceTtlMs } = this.#context;
    if (deviceTtlMs === undefined) return;
    const idle = (await this.list()).filter(({ lastSeenAt }) => now - lastSeenAt > deviceTtlMs);
    await this.#forget(idle.map(({ device, seen }) => ({ change: 'forget', device, seen })));
  }

  async #forget(changes: readonly DevicesChange[]): Promise<void> {
    if (changes.length === 0) return;
    await this.#append(...changes);
    await this.#finish();
  }

  async #refresh(): Promise<void> {
    await this.#log.refresh();
    await this.#finish();
  }

  /** Erases the positions of forgotten devices. A day later, no process holds such a position any more. */
  async #finish(): Promise<void> {
    const before = this.clock.now() - DAY_MS;
    const forgotten = this.#state.list().filter(isBeingForgotten);
    const old = this.#state.list().filter(({ erasedAt = before }) => erasedAt < before);
    if (forgotten.length + old.length === 0) return;
    await inGroups(forgotten, (known) => this.#erase(known));
    await inGroups(old, (known) => this.#erase(known, { isOld: true }));
    const done = (change: 'erased' | 'gone', devices: readonly KnownDevice[]) =>
      devices.map(({ device, forget }) => ({ change, device, forget: forget as string }));
    await this.#append(...done('erased', forgotten), ...done('gone', old));
  }

  /** A process that had not noticed may have stored a position since: an old one is erased again. */
  async #erase({ device, since, forget }: KnownDevice, { isOld = false } = {}): Promise<void> {
    const { state, sync } = this.#context;
    const log = new DeviceLog(state, this.user, device);
    await (isOld ? log.empty() : log.erase(`forget:${forget}`));
    await sync
      .timeline(this.user)
      .checkpoint(readerOf.device(device, BigInt(since)))
      .reset(undefined);
    await new PageRecords(state, this.user, device).clear();
  }

  async #append(...changes: readonly DevicesChange[]): Promise<void> {
    const timeline = timelineOf.devices(this.user);
    const items = changes.map((state) => ({ timeline, message: { kind: 'state', state } as const }));
    for (const outcome of await this.#context.state.appendBatch(items)) if (!outcome.ok) throw outcome.error;
    await this.#log.refresh();
    if (this.#log.changeCount >= Math.max(LEAST_CHANGES, 2 * this.#state.count)) await this.#log.compact();
  }
}

async function inGroups<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < items.length; i += ERASED_AT_ONCE)
    await Promise.all(items.slice(i, i + ERASED_AT_ONCE).map(work));
}
