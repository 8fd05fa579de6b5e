/** A chat server: `npm run example:server`, with `PORT` (3000) and `CHAT_DB` (chat.db). Routes: docs/gateway.md. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createGateway, toNodeHandler } from 'timeline-model/http';
import { sqliteAdapter } from 'timeline-model/sqlite';
import { openMessageSync } from 'timeline-model/sync';
import { WebSocketServer } from 'ws';

const adapter = sqliteAdapter(process.env.CHAT_DB ?? 'chat.db');
const sync = await openMessageSync<unknown>({ adapter, ttlMs: 30 * 24 * 3_600_000 });

// A stub: the token is the name. Check a session or a signed token here.
function authenticate({ headers }: Request): { user: string } | undefined {
  const user = headers.get('authorization')?.replace('Bearer ', '');
  return user ? { user } : undefined;
}

const gateway = createGateway(sync, { authenticate });
const server = createServer(toNodeHandler(gateway.fetch));
const sockets = new WebSocketServer({ noServer: true, maxPayload: 65_536 });
server.on('upgrade', (request, socket, head) =>
  sockets.handleUpgrade(request, socket, head, (ws) => gateway.socket(ws, request)),
);
server.listen(Number(process.env.PORT ?? 3000), () =>
  process.stdout.write(`http://localhost:${(server.address() as AddressInfo).port}\n`),
);

await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
const closed = once(server.close(), 'close');
await gateway.drain();
server.closeIdleConnections();
await closed;
await sync.close();
