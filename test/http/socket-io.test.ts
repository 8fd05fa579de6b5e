import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Server } from 'socket.io';
import { io as connect, type Socket } from 'socket.io-client';
import { expect, it, onTestFinished } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { membersOnly, openMessageSync } from '../../sync/index.js';
import { bundled } from '../support/bundled.js';
import { numbered } from '../sync/support/people.js';

const RECIPE = join(import.meta.dirname, '../../examples/socket-io.ts');
const { serveSocketIo }: typeof import('../../examples/socket-io.js') = await import(
  pathToFileURL(bundled(RECIPE)).href
);

it('the recipe for Socket.IO gives each message once, in order, through cuts', async () => {
  const sync = await openMessageSync<string>({ adapter: memoryAdapter(), authorize: membersOnly(), recoverEveryMs: 0 });
  const server = createServer();
  const io = new Server(server);
  serveSocketIo(io, sync, (token) => (typeof token === 'string' && token !== '' ? token : undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    await io.close();
    await sync.close();
  });
  await (await sync.join('team', ['ann', 'bob'])).delivered;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const open = (token: string): Socket => {
    const socket = connect(url, { auth: { token, device: 'phone' }, transports: ['websocket'], forceNew: true });
    onTestFinished(() => void socket.disconnect());
    return socket;
  };
  const send = (socket: Socket, body: unknown, key: string) => socket.emitWithAck('send', 'team', body, key);

  const ann = open('ann');
  const bodies = numbered(30);
  const shown = new Map<string, string>();
  let hasAll = () => {};
  const complete = new Promise<void>((resolve) => {
    hasAll = resolve;
  });
  let bob = open('bob');
  const listen = (): void => {
    bob.on('message', ({ entrySeqId, body }, taken) => {
      const isNew = !shown.has(entrySeqId);
      shown.set(entrySeqId, body);
      // Cut before and after the message counts as taken.
      if (isNew && shown.size % 7 === 0) bob.disconnect();
      taken();
      if (isNew && shown.size % 5 === 0) bob.disconnect();
      if (shown.size === bodies.length) hasAll();
      else if (!bob.connected) {
        bob = open('bob');
        listen();
      }
    });
  };
  listen();
  for (const body of bodies) {
    expect(await send(ann, body, body)).toMatchObject({ seqId: expect.any(String), duplicate: false });
    if (body === 'm3') expect(await send(ann, body, body)).toMatchObject({ duplicate: true });
  }
  await complete;
  expect([...shown.values()]).toEqual(bodies);
  expect(await send(open('eve'), 'hello', 'k')).toEqual({ error: 'TIMELINE_FORBIDDEN' });
  const nobody = open('');
  expect(await once(nobody as unknown as NodeJS.EventEmitter, 'disconnect')).toEqual([
    'io server disconnect',
    undefined,
  ]);
});
