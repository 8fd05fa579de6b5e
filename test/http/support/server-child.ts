/** A server with a gateway and WebSockets: `server-child.ts <file> <port>`. Prints its port. Ends on SIGTERM. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { sqliteAdapter } from '../../../adapters/sqlite/index.js';
import { createGateway, toNodeHandler } from '../../../http/index.js';
import { openMessageSync } from '../../../sync/index.js';

const [file = '', port = '0'] = process.argv.slice(2);
const adapter = sqliteAdapter(file, { synchronous: 'normal', wakeMs: 5 });
const sync = await openMessageSync<string>({ adapter, pollMs: 100, leaseMs: 1000, recoverEveryMs: 200 });
const gateway = createGateway(sync, {
  authenticate: (request) => ({ user: request.headers.get('authorization')?.replace('Bearer ', '') ?? 'nobody' }),
  limits: { sendsPerSecond: 10_000, requestsPerSecond: 10_000 },
});
const sockets = new WebSocketServer({ noServer: true, maxPayload: 65_536 });
const server = createServer(toNodeHandler(gateway.fetch));
server.on('upgrade', (request, socket, head) =>
  sockets.handleUpgrade(request, socket, head, (ws) => gateway.socket(ws, request)),
);
server.listen(Number(port), '127.0.0.1');
await once(server, 'listening');
process.stdout.write(`${(server.address() as AddressInfo).port}\n`);

await once(process, 'SIGTERM');
const closed = once(server.close(), 'close');
await gateway.drain();
server.closeIdleConnections();
await closed;
await sync.close();
