import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { createGateway, type GatewayOptions, toNodeHandler } from '../../../http/index.js';
import type { TimelineAdapter } from '../../../src/index.js';
import { type MessageSync, type OpenMessageSyncOptions, openMessageSync } from '../../../sync/index.js';

export interface ServeOptions {
  readonly sync?: Partial<OpenMessageSyncOptions<unknown>>;
  readonly gateway?: Partial<GatewayOptions>;
}

export interface Served {
  readonly port: number;
  readonly sync: MessageSync<unknown>;
  /** Ends all connections at once, and the server. */
  end(): Promise<void>;
}

const PLENTY = { sendsPerSecond: 1e6, requestsPerSecond: 1e6, streamsPerUser: 100 };

/** The token is the name of the user. */
function authenticate(request: Request): { user: string } | undefined {
  const user = request.headers.get('authorization')?.replace('Bearer ', '');
  return user ? { user } : undefined;
}

/** Serves a gateway with WebSockets. `port` 0: any. */
export async function serve(adapter: TimelineAdapter, port: number, options: ServeOptions = {}): Promise<Served> {
  const sync = await openMessageSync<unknown>({
    ...{ adapter, pollMs: 100, receipts: true, membershipEvents: true, onWarning: () => {} },
    ...options.sync,
  });
  const { limits, ...rest } = options.gateway ?? {};
  const gateway = createGateway(sync, {
    ...{ authenticate, origins: ['*'], onError: () => {}, limits: { ...PLENTY, ...limits } },
    ...rest,
  });
  const server = createServer(toNodeHandler(gateway.fetch));
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request: IncomingMessage, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (ws) => gateway.socket(ws, request)),
  );
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sync,
    end: async () => {
      for (const socket of sockets.clients) socket.terminate();
      const closed = once(server.close(), 'close');
      server.closeAllConnections();
      await closed;
      await gateway.drain();
      await sync.close();
    },
  };
}
