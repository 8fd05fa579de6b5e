import { DeviceLog } from '../../../sync/device/device-log.js';
import type { ListedDevice } from '../../../sync/types.js';
import { DEVICE_TTL_MS } from './added-commands.js';
import type { Attempts } from './attempts.js';
import type { DeviceClient } from './device-client.js';
import { type Host, MARGIN_MS, type World } from './world.js';

/** A device in use is recorded once in a quarter of the time after which it is forgotten. */
const LEAST_IDLE_MS = DEVICE_TTL_MS * 0.75 - MARGIN_MS;

/** Forgets and lists devices, and finds out when they begin again: nobody tells their clients. */
export class DeviceEnds {
  readonly #world: World;
  readonly #attempts: Attempts;

  constructor(world: World, attempts: Attempts) {
    this.#world = world;
    this.#attempts = attempts;
  }

  /** Returns the SeqId of the record by which the device was forgotten last. */
  async lifeOf({ user, device, after }: DeviceClient): Promise<bigint> {
    const { setting, state } = this.#world;
    if (after !== undefined || !(setting.forgets || setting.devicesExpire)) return 0n;
    const log = new DeviceLog(state, user, device);
    await log.refresh();
    return log.forgottenAt;
  }

  /** Restarts a client that was forgotten; `true` if it was. */
  async notice(client: DeviceClient): Promise<boolean> {
    const life = await this.lifeOf(client);
    if (life === client.life) return false;
    const idleMs = Math.max(client.idleMs, this.#idleMs(client));
    const isIdle = this.#world.setting.devicesExpire && idleMs >= LEAST_IDLE_MS;
    // A call under way may still end the next life.
    if (!isIdle && client.forgetting > 0) client.forgetting--;
    else if (!isIdle)
      this.#attempts.violations.push(`${client.name} was forgotten after ${idleMs} ms, asked by nobody`);
    this.#world.note(`${client.name} begins again`);
    client.restart(life);
    return true;
  }

  async forget(host: Host, client: DeviceClient, isIdle: boolean): Promise<void> {
    client.forgetting++;
    const { user, device, name } = client;
    const before = await this.lifeOf(client);
    const outcome = await this.#attempts.run(host, `forget ${name}`, () => host.sync.forgetDevice(user, device));
    if (!outcome) return;
    // Without a position it ends nothing, now or later.
    if ((await this.lifeOf(client)) === before && before === client.life) client.forgetting--;
    if (isIdle && client.after === undefined) client.isUnused = true;
  }

  /** Lists the devices of a user, and compares them with those that have, and those that cannot have, a position. */
  async list(host: Host, clients: readonly DeviceClient[]): Promise<void> {
    const { user } = clients[0]!;
    const { time } = this.#world;
    const expected = clients.filter((client) => this.#isCertain(client));
    const outcome = await this.#attempts.run(host, `devices of ${user}`, async () => {
      const listed: ListedDevice[] = [];
      for await (const device of host.sync.devices(user)) listed.push(device);
      return listed;
    });
    if (!outcome) return;
    const names = outcome.value.map(({ device }) => device);
    const { violations } = this.#attempts;
    for (const client of expected) {
      const isSame = this.#isCertain(client) && (await this.lifeOf(client)) === client.life;
      if (isSame && !names.includes(client.device)) violations.push(`${client.name} is not listed: ${names}`);
    }
    for (const client of clients) {
      const hasNoPosition = client.after !== undefined || client.isUnused;
      if (hasNoPosition && names.includes(client.device))
        violations.push(`${client.name} is listed, and has no position`);
    }
    if (new Set(names).size !== names.length) violations.push(`devices of ${user}: ${names}`);
    if (!this.#world.setting.devicesExpire) return;
    for (const { device, lastSeenAt } of outcome.value)
      if (time - lastSeenAt > DEVICE_TTL_MS + MARGIN_MS)
        violations.push(`${user}/${device} is listed, and was seen ${time - lastSeenAt} ms ago`);
  }

  /** It has a position in the libraries, and no reason to lose it. */
  #isCertain(client: DeviceClient): boolean {
    const isIdle = this.#world.setting.devicesExpire && this.#idleMs(client) >= LEAST_IDLE_MS;
    return client.after === undefined && client.hasAcked && client.forgetting === 0 && !client.isUnused && !isIdle;
  }

  #idleMs({ usedAt }: DeviceClient): number {
    return this.#world.time - usedAt;
  }
}
