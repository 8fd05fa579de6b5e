import type { Abortable, Cursor } from '../../src/index.js';
import type { SyncMessage } from './messages.js';
import type { TruncatedConversation } from './truncated.js';

/** Options of a device. */
export interface DeviceOptions {
  /** The position at which a new device starts. Default `oldest`: with everything that the inbox still holds. */
  readonly start?: 'oldest' | 'now' | { readonly last: number } | undefined;
}

/** One device of one user. Each device has its own position. */
export interface Device<M> {
  /** Name of the user. */
  readonly user: string;
  /** Name of the device, unique among those of the user. */
  readonly device: string;
  /**
   * Reads messages after the acknowledged position: the same again until they are acknowledged. `limit` is 100 by
   * default and at most 10,000.
   *
   * @example
   * const page = await device.pull({ limit: 200 });
   * show(page.messages);
   * await device.ack(page.cursor);
   */
  pull(options?: { readonly limit?: number | undefined } & Abortable): Promise<PullPage<M>>;
  /**
   * Acknowledges a page, or a message and all before it: they do not come again. The position never moves back. Rejects
   * with `TIMELINE_INVALID_CURSOR` for anything but a cursor of this device.
   */
  ack(cursor: Cursor): Promise<void>;
  /**
   * Yields messages after the acknowledged position, then new ones until `signal` or `close` ends it. Acknowledges
   * nothing.
   *
   * @example
   * for await (const message of device.subscribe({ signal, onCaughtUp: () => hideSpinner() })) show(message);
   */
  subscribe(options?: DeviceSubscribeOptions): AsyncIterable<SyncMessage<M>>;
}

/** Options of {@link Device.subscribe}. */
export interface DeviceSubscribeOptions extends Abortable {
  /** Called once, after every message that existed has been yielded. If it throws, the subscription ends with that. */
  readonly onCaughtUp?: (() => void) | undefined;
  /** Messages per read: 1 to 10,000. Default 100. */
  readonly pageSize?: number | undefined;
}

/** A page of messages. */
export interface PullPage<M> {
  /** Messages after the acknowledged position, each conversation in its order. Empty if there are none. */
  readonly messages: SyncMessage<M>[];
  /** Acknowledges the whole page; see {@link Device.ack}. */
  readonly cursor: Cursor;
  /** `true` if nothing was left after this page. */
  readonly upToDate: boolean;
  /**
   * Conversations that lost entries which this device was to get: those up to `through` that it did not get are gone.
   * Absent if there are none. Each pull says so until it is acknowledged.
   */
  readonly truncated?: readonly TruncatedConversation[];
  /** The device's unread inbox entries are gone: replace everything that it shows with this page and what follows. */
  readonly resynced: boolean;
}
