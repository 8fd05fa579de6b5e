import { pauseAfterRace } from '../shared/contention.js';
import type { DeviceLog } from './device-log.js';
import type { DeviceRegistry } from './device-registry.js';

/** Keeps one device in the list of its user's devices while it has a position and is in use. */
export class DeviceRegistration<M> {
  readonly #registry: DeviceRegistry<M>;
  readonly #device: string;
  readonly #log: DeviceLog<M>;
  readonly #closing: AbortSignal;
  #checkedAt = Number.NEGATIVE_INFINITY;
  /** `forgottenAt` of the log, and the record at which the device was seen last, at the last check. */
  #since: bigint | undefined;
  #seen: string | undefined;
  #checking: Promise<void> | undefined;

  constructor(registry: DeviceRegistry<M>, device: string, log: DeviceLog<M>, closing: AbortSignal) {
    this.#closing = closing;
    this.#registry = registry;
    this.#device = device;
    this.#log = log;
  }

  /** The device was registered by this process since it was forgotten last. */
  get isMade(): boolean {
    return this.#since === this.#log.forgottenAt;
  }

  /**
   * Call it before a position is stored, and when one is read. Reads the list, and writes to it, at most once in the
   * time after which a device in use is recorded again. If the device was forgotten meanwhile, its log says so then.
   */
  async ensure(): Promise<void> {
    const isChecked = this.#registry.clock.elapsed() - this.#checkedAt < this.#registry.seenEveryMs;
    if (isChecked && this.isMade) return;
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    await this.#checking;
  }

  async #check(): Promise<void> {
    for (let race = 1; ; race++) {
      const known = await this.#registry.find(this.#device);
      // What was forgotten is erased by now.
      await this.#log.refresh();
      const since = this.#log.forgottenAt;
      const ageMs = known === undefined ? Number.POSITIVE_INFINITY : this.#registry.clock.now() - known.lastSeenAt;
      const isRecent = known !== undefined && ageMs < this.#registry.seenEveryMs;
      // The clock of this process may be wrong: the second check finds a newer record, or makes one.
      const isCurrent = isRecent && known.since === String(since) && known.seen !== this.#seen;
      const seen = isCurrent ? known : await this.#registry.see(this.#device, since);
      if (seen) {
        // The next record is due that long after the last one, of whichever process.
        this.#checkedAt = this.#registry.clock.elapsed() - (isCurrent ? Math.max(0, ageMs) : 0);
        this.#since = since;
        this.#seen = seen.seen;
        // Whoever looks next does what fails here.
        if (!isCurrent) await this.#registry.forgetIdle(seen.lastSeenAt).catch(() => undefined);
        return;
      }
      await pauseAfterRace(race, `device ${JSON.stringify(this.#device)}`, this.#closing);
    }
  }
}
