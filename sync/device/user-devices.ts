import type { LogState } from '../members/snapshot-log.js';

/** A change of the list of one user's devices. SeqIds are decimal strings. */
export type DevicesChange = { readonly device: string } & (
  | {
      /** The device has, or is about to have, a position. */
      readonly change: 'seen';
      /** `forgottenAt` of the device's log. */
      readonly since: string;
    }
  | {
      /** From here on the device has no position that counts. */
      readonly change: 'forget';
      /** Only if this is still the record at which the device was seen last. */
      readonly seen?: string;
    }
  | {
      /** Nothing is left of the position that the record `forget` ended. `gone`: nor of the device. */
      readonly change: 'erased' | 'gone';
      readonly forget: string;
    }
);

/** SeqIds are decimal strings; times are milliseconds since 1970, by the store. */
export interface KnownDevice {
  readonly device: string;
  readonly lastSeenAt: number;
  /** SeqId of the record at which the device was seen last. */
  readonly seen: string;
  /** `forgottenAt` of the device's log. */
  readonly since: string;
  /** SeqId of the record that forgot the device. */
  readonly forget?: string;
  /** The time at which its position was erased after that. */
  readonly erasedAt?: number;
}

export interface DevicesSnapshot {
  readonly items: readonly KnownDevice[];
}

/** The devices of one user that have a position, and those that were forgotten a short time ago. */
export class UserDevices implements LogState<DevicesChange, DevicesSnapshot> {
  readonly #devices = new Map<string, KnownDevice>();

  get count(): number {
    return this.#devices.size;
  }

  get(device: string): KnownDevice | undefined {
    return this.#devices.get(device);
  }

  list(): KnownDevice[] {
    return [...this.#devices.values()];
  }

  apply(change: DevicesChange, seqId: bigint, appendedAt: number): void {
    const { device } = change;
    const known = this.#devices.get(device);
    if (change.change === 'seen') {
      // A process that did not know that the device is being forgotten. It sees that now, and registers it again.
      if (known && isBeingForgotten(known)) return;
      const isLater = !known || known.forget !== undefined || BigInt(change.since) >= BigInt(known.since);
      const since = isLater ? change.since : known.since;
      this.#devices.set(device, { device, lastSeenAt: appendedAt, seen: String(seqId), since });
    } else if (change.change === 'forget') {
      if (!known || known.forget !== undefined || (change.seen ?? known.seen) !== known.seen) return;
      this.#devices.set(device, { ...known, forget: String(seqId) });
    } else if (known?.forget === change.forget) {
      if (change.change === 'gone') this.#devices.delete(device);
      else this.#devices.set(device, { ...known, erasedAt: known.erasedAt ?? appendedAt });
    }
  }

  clear(): void {
    this.restore({ items: [] });
  }

  restore({ items }: DevicesSnapshot): void {
    this.#devices.clear();
    for (const item of items) this.#devices.set(item.device, item);
  }

  snapshot(): DevicesSnapshot {
    return { items: this.list().sort((a, b) => (a.device < b.device ? -1 : 1)) };
  }
}

/** `true` from the record that forgets the device until its position is erased. */
export function isBeingForgotten({ forget, erasedAt }: KnownDevice): boolean {
  return forget !== undefined && erasedAt === undefined;
}
