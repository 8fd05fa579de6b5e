/** A chat server: gateway and `MessageSync`. Its argument is a `GatewayPlace` as JSON. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { WebSocketServer } from 'ws';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { redisAdapter } from '../../adapters/redis/index.js';
import { sqliteAdapter } from '../../adapters/sqlite/index.js';
import { createGateway, type GatewayLimits, toNodeHandler } from '../../http/index.js';
import type { TimelineAdapter } from '../../src/index.js';
import { openMessageSync } from '../../sync/index.js';
import type { StorePlace } from './contender.js';
import { serveParent } from './parent.js';

/** The argument of the process. */
export interface GatewayPlace {
  readonly place: StorePlace;
  /** Limits of the gateway other than the defaults. */
  readonly limits?: Partial<GatewayLimits>;
}

/** A question to the process. */
export type GatewayQuestion =
  | { readonly type: 'memory' }
  | { readonly type: 'cpu' }
  | { readonly type: 'join'; readonly conversation: string; readonly users: readonly string[] };

/** Its answer to `memory`. */
export interface Memory {
  readonly rssBytes: number;
  readonly heapBytes: number;
}

const { place, limits = {} }: GatewayPlace = JSON.parse(process.argv[2] ?? '');
const sync = await openMessageSync<unknown>({ adapter: adapterOf(place) });
const gateway = createGateway(sync, { authenticate, limits });
const server = createServer(toNodeHandler(gateway.fetch));
const sockets = new WebSocketServer({ noServer: true, maxPayload: 65_536 });
server.on('upgrade', (request, socket, head) =>
  sockets.handleUpgrade(request, socket, head, (ws) => gateway.socket(ws, request)),
);
server.listen(0, '127.0.0.1', 4096);
await once(server, 'listening');
serveParent<GatewayQuestion>((server.address() as AddressInfo).port, async (question) => {
  if (question.type === 'memory') return memory();
  if (question.type === 'cpu') return cpuMs();
  await sync.join(question.conversation, [...question.users]);
});

process.once('SIGTERM', async () => {
  const closed = once(server.close(), 'close');
  await gateway.drain();
  server.closeIdleConnections();
  await closed;
  await sync.close();
  process.exit(0);
});

/** The token is the name of the user. */
function authenticate({ headers }: Request): { user: string } | undefined {
  const user = headers.get('authorization')?.replace('Bearer ', '');
  return user ? { user } : undefined;
}

function adapterOf(place: StorePlace): TimelineAdapter {
  if (place.store === 'memory') return memoryAdapter();
  return place.store === 'sqlite' ? sqliteAdapter(place.file) : redisAdapter(new Redis(place.port));
}

function memory(): Memory {
  (globalThis as { gc?: () => void }).gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  return { rssBytes: rss, heapBytes: heapUsed };
}

/** Of user and system, since the process began. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
