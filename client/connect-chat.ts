import { createChat } from './chat.js';
import { invalidArgument } from './chat-error.js';
import { sseTransport } from './sse-transport.js';
import type { Transport } from './transport.js';
import type { ChatClient, ChatOptions, WebSocketConstructor } from './types.js';

/**
 * Connects to a gateway of `timeline-model/http` and stays connected until it is closed. `url` is the address of the
 * gateway, with its `basePath`. Throws a `ChatError` if an argument is invalid.
 *
 * @example
 * const chat = connectChat<{ text: string }>('https://chat.example.com', { device: 'laptop', token: () => session() });
 * const team = chat.conversation('team');
 * team.subscribe(() => show(team.messages));
 * chat.send('team', { text: 'lunch?' });
 */
export function connectChat<M>(url: string, options: ChatOptions = {}): ChatClient<M> {
  const { transport = 'auto' } = options;
  const WebSocket = options.WebSocket ?? (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
  if (!url || (transport === 'websocket' && !WebSocket))
    throw invalidArgument('needs a url, and a WebSocket if chosen');
  return createChat<M>(url, options, (core) => {
    const transports: Transport<M>[] = [];
    if (transport !== 'websocket') transports.push(sseTransport<M>(core));
    if (transport !== 'sse' && WebSocket)
      transports.push(async (request) => {
        const { webSocketTransport } = await import('./websocket-transport.js');
        return webSocketTransport<M>(core, WebSocket, request);
      });
    return transports;
  });
}
