import type { Core } from './core.js';
import { sseTransport } from './sse-transport.js';
import type { Transport } from './transport.js';
import type { WebSocketConstructor } from './types.js';

/** The transports that the options choose, in the order in which they are tried. None: there is no WebSocket. */
export function transportsOf<M>(core: Core): readonly Transport<M>[] {
  const { transport, WebSocket = (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket } = core.options;
  const transports: Transport<M>[] = [];
  if (transport !== 'websocket') transports.push(sseTransport(core));
  if (transport !== 'sse' && WebSocket)
    transports.push(async (request) => {
      const { webSocketTransport } = await import('./websocket-transport.js');
      return webSocketTransport(core, WebSocket, request);
    });
  return transports;
}
