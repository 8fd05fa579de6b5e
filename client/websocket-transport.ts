import { CLOSE_CODES, type ClientFrame, type Frame } from '../http/protocol.js';
import type { Core } from './core.js';
import type { StreamRequest } from './transport.js';
import type { WebSocketConstructor } from './types.js';

/** Statuses with the meaning of the codes of closing. Others: the connection is broken. */
const STATUSES: Readonly<Record<number, number>> = {
  [CLOSE_CODES.resume]: 0,
  [CLOSE_CODES.slow]: 0,
  [CLOSE_CODES.unauthorized]: 401,
  [CLOSE_CODES.forbidden]: 403,
  [CLOSE_CODES.positionRefused]: 410,
  [CLOSE_CODES.tooMany]: 429,
  [CLOSE_CODES.malformed]: 400,
};

/** The same frames as of server-sent events, on a WebSocket. Its first frame has the token. */
export async function webSocketTransport<M>(
  { base, forgetToken, options, token: askToken }: Core,
  WebSocket: WebSocketConstructor,
  { cursor, signal, onActivity, onFrame }: StreamRequest<M>,
): Promise<number | undefined> {
  const { device } = options;
  const used = askToken();
  const token = await used;
  const { location } = globalThis as { location?: { href: string } };
  const url = new URL(`${base}/events`, location?.href);
  url.protocol = url.protocol.replace('http', 'ws');
  url.search = String(new URLSearchParams({ start: 'now', ...(device ? { device } : { after: cursor ?? '' }) }));
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.href);
    const send = (frame: ClientFrame) => socket.send(JSON.stringify(frame));
    const acknowledge = (id: string | undefined) => {
      if (id && device) send({ type: 'ack', cursor: id });
    };
    const end = (reason: unknown) => {
      reject(reason);
      socket.close();
    };
    socket.onopen = () => {
      if (token) send({ type: 'auth', token });
      acknowledge(cursor);
    };
    socket.onmessage = ({ data }: { data: string }) => {
      onActivity();
      try {
        const frame = JSON.parse(data) as Frame<M>;
        onFrame(frame);
        if ('id' in frame) acknowledge(frame.id);
      } catch (error) {
        end(error);
      }
    };
    socket.onerror = () => {};
    socket.onclose = ({ code }: { code: number }) => {
      const status = STATUSES[code];
      if (status === 401) forgetToken(used);
      if (status === undefined) reject('the WebSocket is closed');
      else resolve(status);
    };
    // A dead connection would take its time to close.
    signal.addEventListener('abort', () => end('the stream is ended'));
  });
}
