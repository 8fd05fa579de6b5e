/**
 * The demo's own server. It outlives the chat server: serves the page, passes the devices' requests on, and kills, cuts
 * and restores as the page asks.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DemoStatus } from '../shared/status.js';
import type { Backend } from './backends/place.js';
import type { ChatProcess } from './chat-process.js';
import { DeviceNetwork, devicePathOf } from './device-network.js';
import type { PageFiles } from './page-files.js';

export interface SupervisorOptions {
  readonly backend: Backend;
  readonly chat: ChatProcess;
  readonly files: PageFiles;
  readonly ttlMs: number;
}

export interface Supervisor {
  readonly port: number;
  close(): Promise<void>;
}

/** The page sends it with everything that changes something: no other page can, without a preflight. */
const OWN_HEADER = 'x-demo';

export async function startSupervisor(port: number, options: SupervisorOptions): Promise<Supervisor> {
  const { backend, chat, files } = options;
  const network = new DeviceNetwork(() => chat.port);
  const watchers = new Set<ServerResponse>();

  const status = (): DemoStatus => ({
    store: backend.place.store,
    server: chat.state,
    ...(chat.state === 'down' ? { downSince: chat.downSince, ended: chat.ended } : {}),
    cut: network.cut,
    survivesKill: backend.place.store !== 'memory',
    ttlMs: options.ttlMs,
  });
  const publish = () => {
    const event = `data: ${JSON.stringify(status())}\n\n`;
    for (const watcher of watchers) watcher.write(event);
  };
  chat.on('change', publish);

  const actions: Readonly<Record<string, (device: string) => void | Promise<void>>> = {
    '/demo/kill': () => chat.kill(),
    '/demo/restart': () => chat.start(),
    '/demo/cut': (device) => network.cutOff(device),
    '/demo/restore': (device) => network.restore(device),
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '/';
    if (!isLocal(request)) return answer(response, 403, 'This address is not mine.');
    const device = devicePathOf(url);
    if (device !== undefined) return network.forward(request, response, device);
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    if (pathname === '/demo/status') return watch(response);
    if (request.method === 'POST' && request.headers[OWN_HEADER] === undefined)
      return answer(response, 403, 'Only the demo page does that.');
    const action = request.method === 'POST' ? actions[pathname] : undefined;
    if (action !== undefined) {
      await action(searchParams.get('device') ?? '');
      publish();
      return answer(response, 204, '');
    }
    // Inspection takes the server's own way, which no fault cuts.
    if (pathname.startsWith('/demo/')) return network.forward(request, response, { name: 'demo', path: url });
    const file = files.get(pathname);
    if (file === undefined) return answer(response, 404, 'No such page.');
    response.writeHead(200, { 'content-type': file.type, 'cache-control': 'no-store' });
    response.end(file.content);
  }

  function watch(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(`data: ${JSON.stringify(status())}\n\n`);
    watchers.add(response);
    response.once('close', () => watchers.delete(response));
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => answer(response, 500, String(error)));
  });
  server.on('upgrade', (request: IncomingMessage, socket, head: Buffer) => {
    const device = devicePathOf(request.url ?? '/');
    if (device === undefined || !isLocal(request)) socket.destroy();
    else network.upgrade(request, socket, head, device);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Refuses names of others that lead to this machine. */
function isLocal({ headers }: IncomingMessage): boolean {
  return /^(?:localhost|127\.0\.0\.1)(?::\d+)?$/.test(headers.host ?? '');
}

function answer(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(text);
}
