import { checkOptions, type OptionNames } from '../../src/toolkit/index.js';
import { SyncDevice } from '../device/device.js';
import { checkStart } from '../device/device-arguments.js';
import { DeviceRegistry } from '../device/device-registry.js';
import { storeTime } from '../device/idle-devices.js';
import { type Context, checkOpen } from '../shared/context.js';
import { RecentMap } from '../shared/listing.js';
import { checkDevice, checkUser } from '../shared/names.js';
import type { Device, DeviceOptions, ListedDevice } from '../types.js';

const DEVICE: OptionNames<DeviceOptions> = { start: true };
const MAX_DEVICES = 10_000;
const MAX_USERS = 10_000;

/** The public calls about devices. */
export class DeviceCalls<M> {
  readonly #context: Context<M>;
  readonly #devices = new RecentMap<string, SyncDevice<M>>(MAX_DEVICES);
  readonly #registries = new RecentMap<string, DeviceRegistry<M>>(MAX_USERS);

  constructor(context: Context<M>) {
    this.#context = context;
  }

  device(user: string, device: string, options?: DeviceOptions): Device<M> {
    checkUser(user);
    checkDevice(device);
    const { start = 'oldest' } = checkOptions(options, DEVICE);
    checkStart(start);
    const key = JSON.stringify([user, device, start]);
    const identity = { user, device, start };
    return this.#devices.use(key, () => new SyncDevice(this.#context, identity, this.#registryOf(user)));
  }

  devices(user: string): AsyncIterable<ListedDevice> {
    return this.#list(checkUser(user));
  }

  async forgetDevice(user: string, device: string): Promise<void> {
    checkUser(user);
    checkDevice(device);
    checkOpen(this.#context);
    await this.#registryOf(user).forget(device);
  }

  async *#list(user: string): AsyncGenerator<ListedDevice, void, undefined> {
    checkOpen(this.#context);
    const registry = this.#registryOf(user);
    if (this.#context.deviceTtlMs !== undefined) await registry.forgetIdle(await storeTime(this.#context));
    for (const { device, lastSeenAt } of await registry.list()) yield { device, lastSeenAt };
  }

  #registryOf(user: string): DeviceRegistry<M> {
    return this.#registries.use(user, () => new DeviceRegistry(this.#context, user));
  }
}
