import type { Abortable, Cursor, Nullable } from '../../src/index.js';
import type { SyncMessage } from './sync-message.js';
import type { TruncatedConversation } from './truncated.js';

/** Options of a device. */
export interface DeviceOptions {
  /** The position at which a new device starts. Default `oldest`: with everything that the inbox still holds. */
  readonly start?: 'oldest' | 'now' | { readonly last: number } | undefined;
}

/** Options of {@link Device.pull}. */
export interface PullOptions extends Abortable {
  /**
   * The position, where the client keeps it: the cursor of a page or message that was read with `after` before, of any
   * device of the user; `''` begins as `start` says. Nothing is stored, neither a position nor the device. Default: the
   * acknowledged position.
   */
  readonly after?: Cursor | undefined;
  /** Most messages of the page, at most 10,000. Default 100. */
  readonly limit?: number | undefined;
}

/** Options of {@link Device.subscribe}. */
export interface DeviceSubscribeOptions extends Omit<PullOptions, 'limit'> {
  /** Called once, after every message that existed has been yielded. If it throws, the subscription ends with that. */
  readonly onCaughtUp?: (() => void) | undefined;
  /**
   * Called after a resync that has found no message, before {@link onCaughtUp}: nothing that was shown before is there
   * any more. The next message says so too. If it throws, the subscription ends with that.
   */
  readonly onEmptied?: (() => void) | undefined;
  /** Messages per read: 1 to 10,000. Default 100. */
  readonly pageSize?: number | undefined;
  /** `false`: no messages of kind `signal`. Default `true`, where the sync library passes signals on. */
  readonly signals?: boolean | undefined;
}

/** A device with a stored position. */
export interface ListedDevice {
  /** Name of the device. */
  readonly device: string;
  /**
   * Milliseconds since 1970 at which it was seen last. A device in use is recorded once a day, or once in a quarter of
   * {@link SyncOptions.deviceTtlMs} if that is less: the time may be that old.
   */
  readonly lastSeenAt: number;
}

/** One device of one user. Each device has its own position. */
export interface Device<M> {
  /** Name of the user. */
  readonly user: string;
  /** Name of the device, unique among those of the user. */
  readonly device: string;
  /**
   * Reads messages after the acknowledged position: the same again until they are acknowledged. With `after`, reads
   * those after a position that the client keeps, which its next pull acknowledges. Rejects with
   * `TIMELINE_INVALID_CURSOR` if `after` is a cursor of something else, and with `TIMELINE_TOO_LARGE` if the position
   * after the page takes more than 4096 bytes, 16 at most for each conversation in read mode: let the device store it.
   *
   * @example
   * const page = await device.pull({ limit: 200 });
   * show(page.messages);
   * await device.ack(page.cursor);
   *
   * @example
   * const page = await device.pull({ after: sessionStorage.position ?? '' });
   * show(page.messages);
   * sessionStorage.position = page.cursor;
   */
  pull(options?: Nullable<PullOptions> | null): Promise<PullPage<M>>;
  /**
   * Acknowledges a page, or a message and all before it: they do not come again. The position never moves back. Rejects
   * with `TIMELINE_INVALID_CURSOR` for anything but a cursor of this device, for one that `pull` made with `after`, and
   * for a page of many conversations that 256 later ones have followed, or from before the device was forgotten: pull
   * again then.
   */
  ack(cursor: Cursor): Promise<void>;
  /**
   * Yields messages after the acknowledged position, or after `after`, then new ones until `signal` or `close` ends it.
   * Acknowledges nothing.
   *
   * @example
   * for await (const message of device.subscribe({ signal, onCaughtUp: () => hideSpinner() })) show(message);
   */
  subscribe(options?: Nullable<DeviceSubscribeOptions> | null): AsyncIterable<SyncMessage<M>>;
}

/** A page of messages. */
export interface PullPage<M> {
  /** Messages after the acknowledged position, each conversation in its order. Empty if there are none. */
  readonly messages: SyncMessage<M>[];
  /** Acknowledges the whole page; see {@link Device.ack}. Of a pull with `after`: the client's next `after`. */
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
