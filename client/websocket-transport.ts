import { CLOSE_CODES, type ClientFrame, type Frame } from '../http/protocol.js';
import { ChatError } from './chat-error.js';
import type { Core } from './core.js';
import type { StreamRequest } from './transport.js';
import type { WebSocketConstructor } from './types.js';

/** Statuses with the meaning of the codes of closing. */
const STATUSES: Readonly<Record<number, number>> = {
  [CLOSE_CODES.unauthorized]: 401,
  [CLOSE_CODES.forbidden]: 403,
  [CLOSE_CODES.positionRefused]: 410,
  [CLOSE_CODES.tooMany]: 429,
  [CLOSE_CODES.malformed]: 400,
};

/** The same frames as of server-sent events, on a WebSocket. Its first frame has the token. */
export async function webSocketTransport<M>(
  { requests, options }: Core,
  WebSocket: WebSocketConstructor,
  { cursor, signal, onActivity, onFrame }: StreamRequest<M>,
): Promise<void> {
  const { device } = options;
  const used = requests.token();
  const token = await used;
  const { location } = globalThis as { location?: { href: string } };
  const url = new URL(`${requests.base}/events`, location?.href);
  url.protocol = url.protocol.replace('http', 'ws');
  url.search = String(new URLSearchParams({ start: 'now', ...(device ? { device } : { after: cursor ?? '' }) }));
  await new Promise<void>((resolve, reject) => {
    const socket = new WebSocket(url.href);
    const send = (frame: ClientFrame) => socket.send(JSON.stringify(frame));
    const fail = (status: number) => {
      if (status === 401) requests.forgetToken(used);
      const isPassing = status === 0 || status === 401 || status === 429;
      reject(new ChatError('TIMELINE_UNAVAILABLE', 'the WebSocket is closed', status, isPassing));
    };
    const acknowledge = (id: string | undefined) => {
      if (id && device) send({ type: 'ack', cursor: id });
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
      } catch {
        fail(0);
        socket.close();
      }
    };
    socket.onerror = () => {};
    socket.onclose = ({ code }: { code: number }) => {
      if (code === CLOSE_CODES.resume || code === CLOSE_CODES.slow) resolve();
      else fail(STATUSES[code] ?? 0);
    };
    // A dead connection would take its time to close.
    signal.addEventListener('abort', () => {
      fail(0);
      socket.close();
    });
  });
}
