import { invalidArgument } from '../src/toolkit/index.js';
import type { Device, MessageSync } from '../sync/index.js';
import type { CheckedOptions } from './options.js';
import { LAST_EVENT_ID_HEADER } from './protocol.js';

/** A device for clients that name none and keep their position themselves: nothing is stored of it. */
const NAMELESS = 'nameless';

/** The stream of a device, and the position that it goes on from. */
export interface OpenedDevice<M> {
  readonly device: Device<M>;
  /** `undefined`: the server keeps the position. */
  readonly after: string | undefined;
}

interface Reader {
  readonly user: string;
  readonly device: string | undefined;
}

/**
 * Opens the device of a request. The client keeps the position if it gives one, or names no device. With `start=now`, a
 * device that begins gets what comes, whatever the gateway's `start` says.
 */
export function openDevice<M>(
  { sync, options }: { readonly sync: MessageSync<M>; readonly options: CheckedOptions },
  request: Request,
  { user, device }: Reader,
): OpenedDevice<M> {
  const { searchParams } = new URL(request.url);
  const given = searchParams.get('after') ?? undefined;
  const start = searchParams.get('start') === 'now' ? 'now' : options.start;
  const opened = sync.device(user, device ?? NAMELESS, { start });
  return { device: opened, after: device === undefined ? (given ?? '') : given };
}

/**
 * The same for a stream. `Last-Event-ID`, a header or a parameter, goes on where an earlier one ended; on the server's
 * position it is an ack.
 */
export async function openStreamDevice<M>(
  services: { readonly sync: MessageSync<M>; readonly options: CheckedOptions },
  request: Request,
  reader: Reader,
): Promise<OpenedDevice<M>> {
  const opened = openDevice(services, request, reader);
  const { searchParams } = new URL(request.url);
  const lastId = request.headers.get(LAST_EVENT_ID_HEADER) ?? searchParams.get(LAST_EVENT_ID_HEADER);
  if (!lastId) return opened;
  if (opened.after !== undefined) return { ...opened, after: lastId };
  await opened.device.ack(lastId);
  return opened;
}

/** Returns the device of a client that acknowledges. */
export function acknowledgingDevice<M>(sync: MessageSync<M>, { user, device }: Reader): Device<M> {
  if (device !== undefined) return sync.device(user, device);
  throw invalidArgument('device', 'must be named: without one, the client keeps the position');
}
