import type { ClientFrame, Frame } from '../http/protocol.js';
import type { Core } from './core.js';
import type { StreamRequest } from './transport.js';
import type { WebSocketConstructor } from './types.js';

/** Codes of the server: this and an HTTP status. Others: the connection is broken. */
const OWN_CODES = 4000;

/** The same frames as of server-sent events, on a WebSocket. Its first frame has the token. */
export async function webSocketTransport<M>(
  { base, forgetToken, options, token: askToken }: Core,
  WebSocket: WebSocketConstructor,
  { path, signal, onActivity, onFrame }: StreamRequest<M>,
): Promise<number | undefined> {
  const used = askToken();
  const token = await used;
  const { location } = globalThis as { location?: { href: string } };
  const url = new URL(base + path, location?.href);
  url.protocol = url.protocol.replace('http', 'ws');
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.href);
    const send = (frame: ClientFrame) => socket.send(JSON.stringify(frame));
    const end = (reason: unknown) => {
      reject(reason);
      socket.close();
    };
    socket.onopen = () => {
      if (token) send({ type: 'auth', token });
    };
    socket.onmessage = ({ data }: { data: string }) => {
      onActivity();
      try {
        const frame = JSON.parse(data) as Frame<M> & { readonly id?: string };
        onFrame(frame);
        if (frame.id && options.device) send({ type: 'ack', cursor: frame.id });
      } catch (error) {
        end(error);
      }
    };
    socket.onerror = () => {};
    socket.onclose = ({ code }: { code: number }) => {
      const status = code - OWN_CODES;
      if (status === 401) forgetToken(used);
      if (status < 0) reject('the WebSocket is closed');
      else resolve(status);
    };
    // A dead connection would take its time to close.
    signal.addEventListener('abort', () => end('the stream is ended'));
  });
}
