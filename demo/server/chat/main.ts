/** The chat server's process: `main.ts <place as JSON>`. Tells its parent the port once it is ready. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { channelMembers } from '../../shared/people.js';
import type { Place } from '../backends/place.js';
import type { ChatServerMessage } from '../child-messages.js';
import { createAdminRoutes } from './admin-routes.js';
import { mountGateway } from './gateway.js';
import { openLibraries } from './libraries.js';
import { ChannelReaders } from './readers.js';
import { joinReaders, readerNames, seed } from './seed.js';

const place = JSON.parse(process.argv[2] ?? '') as Place;
const libraries = await openLibraries(place);
await seed(libraries.chat);

// Beside Ann and Bob.
const names = readerNames(channelMembers(place.store) - 2);
const readers = new ChannelReaders(libraries, names);
const admin = createAdminRoutes(libraries, readers);
const server = createServer();
const gateway = mountGateway(libraries.chat);
server.on('request', (request, response) => {
  if (request.url?.startsWith('/demo/')) void admin(request, response);
  else gateway.handle(request, response);
});
server.listen(0, '127.0.0.1', () => {
  tellParent({ type: 'ready', port: (server.address() as AddressInfo).port });
});

await joinReaders(libraries.chat, names);
await readers.start();

/** Ends with its parent, and does not outlive one that was killed. */
process.once('disconnect', () => process.exit(0));
process.once('SIGTERM', async () => {
  readers.stop();
  await gateway.drain();
  server.close();
  await libraries.close();
  process.exit(0);
});

function tellParent(message: ChatServerMessage): void {
  process.send?.(message);
}
