import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CLOSE_CODES, type Gateway, type GatewayLimits } from '../../http/index.js';
import { until } from '../support/until.js';
import { numbered } from '../sync/support/people.js';
import { type Chat, join, openChat } from './support/chat.js';
import { bodiesOf, Caller, lastId } from './support/client.js';
import { onNodeWithSockets, SocketReader } from './support/sockets.js';

const BODY = 'x'.repeat(20_000);
const MESSAGES = 1000;
const STREAMS = 2;
const PATIENCE_MS = 100_000;
/** The system's own buffers take megabytes before anything waits in this process. */
const BUFFERED = 65_536;

async function chatWithMuch(limits: Partial<GatewayLimits>): Promise<Chat> {
  const chat = await openChat({ limits: { bufferedBytes: BUFFERED, ...limits } });
  await join(chat, 'team', 'ann', 'bob');
  const sent = await Promise.all(
    numbered(MESSAGES).map((name) => chat.sync.send({ conversation: 'team', sender: 'ann', body: `${name} ${BODY}` })),
  );
  await Promise.all(sent.map(({ delivered }) => delivered));
  return chat;
}

/** Sends a request and reads nothing of the answer. */
async function ask(url: string, head: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.pause();
  socket.write(head);
  return socket;
}

setFlagsFromString('--expose_gc');
const collectGarbage: () => void = runInNewContext('gc');

const usedMiB = () => {
  collectGarbage();
  const { arrayBuffers, external, heapUsed } = process.memoryUsage();
  return (Math.max(arrayBuffers, external) + heapUsed) / 2 ** 20;
};

const HEAD = 'GET /events?after= HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer bob\r\n\r\n';

describe('a client that does not read', { timeout: 240_000 }, () => {
  it('costs bounded memory, and slows nobody else', async () => {
    const chat = await chatWithMuch({ slowMs: 300_000 });
    const url = await onNodeWithSockets(chat.gateway);
    const before = usedMiB();
    await Promise.all(Array.from({ length: STREAMS }, () => ask(url, HEAD)));
    expect(await countMessages(url)).toBe(MESSAGES);
    // Of the 20 MB for each client, at most a page waits here.
    expect(usedMiB() - before).toBeLessThan(35);
  });

  it('is cut off by SSE', async () => {
    const chat = await chatWithMuch({ slowMs: 100, streamsPerUser: 1 });
    const url = await onNodeWithSockets(chat.gateway);
    const socket = await ask(url, HEAD);
    const closed = once(socket, 'close');
    await until('its stream is given up', () => hasRoom(url), PATIENCE_MS);
    socket.resume();
    await closed;
  });

  it('is closed as slow on a WebSocket, and goes on from its last position', async () => {
    const { gateway } = await chatWithMuch({ slowMs: 1000 });
    let tell: (code: number | undefined) => void = () => {};
    const closing = new Promise<number | undefined>((resolve) => {
      tell = resolve;
    });
    const watched: Gateway = {
      ...gateway,
      socket: (ws, request) => {
        const close = ws.close.bind(ws);
        ws.close = (code, reason) => {
          tell(code);
          close(code, reason);
        };
        gateway.socket(ws, request);
      },
    };
    const url = await onNodeWithSockets(watched);
    const socket = await SocketReader.as('bob', `${url}/events?after=`);
    await socket.next();
    socket.socket.pause();
    expect(await closing).toBe(CLOSE_CODES.slow);
    socket.socket.resume();
    await socket.closed;
    const got = bodiesOf(socket.frames);
    expect(got.length).toBeLessThan(MESSAGES);
    const shown = new Set(got);
    const position = encodeURIComponent(lastId(socket.frames) ?? '');
    const rest = await SocketReader.as('bob', `${url}/events?after=${position}`);
    for (const body of bodiesOf(await rest.untilCaughtUp())) shown.add(body);
    expect([...shown].map((body) => body.split(' ')[0])).toEqual(numbered(MESSAGES));
  });
});

/** Reads all messages of a stream, and keeps none. */
async function countMessages(url: string): Promise<number> {
  const response = await fetch(`${url}/events`, { headers: { authorization: 'Bearer ann' } });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let count = 0;
  for (let rest = '', isCaughtUp = false; !isCaughtUp; ) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the stream ended after ${count} messages`);
    const text = rest + value;
    const parts = text.split('event: message');
    count += parts.length - 1;
    isCaughtUp = text.includes('event: caught-up');
    rest = parts.at(-1)!.slice(-100);
  }
  await reader.cancel();
  return count;
}

/** `true` once the user may have another stream. */
async function hasRoom(url: string): Promise<boolean> {
  const reader = await new Caller(url, 'bob').events('/events?after=');
  reader.close();
  return reader.response.status === 200;
}
