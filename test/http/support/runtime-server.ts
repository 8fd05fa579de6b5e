import type { GatewaySocket } from '../../../http/index.js';
import { gateway } from './runtime-gateway.js';

/** The parts of both runtimes that serve requests. */
declare const Deno: {
  serve(
    options: { port: number; hostname: string; onListen(at: { port: number }): void },
    handle: (request: Request) => Response | Promise<Response>,
  ): unknown;
  upgradeWebSocket(request: Request): { socket: GatewaySocket; response: Response };
};
declare const Bun: {
  serve(options: { port: number; hostname: string; idleTimeout: number; fetch(request: Request): Promise<Response> }): {
    port: number;
  };
};

const tell = (port: number) => console.log(`port ${port}`);

if (typeof Deno !== 'undefined') {
  Deno.serve({ port: 0, hostname: '127.0.0.1', onListen: ({ port }) => tell(port) }, (request) => {
    if (request.headers.get('upgrade') !== 'websocket') return gateway.fetch(request);
    const { url, headers } = request;
    const upgrade = new Request(url, { headers });
    const { socket, response } = Deno.upgradeWebSocket(request);
    gateway.socket(socket, upgrade);
    return response;
  });
} else tell(Bun.serve({ port: 0, hostname: '127.0.0.1', idleTimeout: 60, fetch: gateway.fetch }).port);
