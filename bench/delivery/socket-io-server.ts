/** A server of Socket.IO with connection state recovery, on Redis. Its argument is a `ServerPlace` as JSON. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import type { SentMessage, ServerPlace } from './contender.js';
import { serveParent } from './parent.js';

const { place, conversations }: ServerPlace = JSON.parse(process.argv[2] ?? '');
if (place.store !== 'redis') throw new Error('the adapter of Socket.IO needs Redis');
const redis = new Redis(place.port);
const http = createServer();
const io = new Server(http, {
  adapter: createAdapter(redis),
  connectionStateRecovery: { maxDisconnectionDuration: 2 * 60 * 1000 },
  serveClient: false,
});

const KEY_SECONDS = 3600;

io.on('connection', async (socket) => {
  const { user } = socket.handshake.auth;
  socket.on('message', async (message: SentMessage, acknowledge: () => void) => {
    const { conversation, sender, number } = message;
    // A message that is sent again has been stored if its key is known.
    const isNew = await redis.set(`sent:${conversation}:${sender}:${number}`, '1', 'EX', KEY_SECONDS, 'NX');
    if (isNew) io.to(conversation).emit('message', message);
    acknowledge();
  });
  if (socket.recovered) return;
  for (const [conversation, members] of Object.entries(conversations))
    if (members.includes(user)) await socket.join(conversation);
});

http.listen(0, '127.0.0.1');
await once(http, 'listening');
serveParent((http.address() as AddressInfo).port);

process.once('SIGTERM', async () => {
  await io.close();
  // Sessions of the clients are being written.
  await redis.quit();
  process.exit(0);
});
