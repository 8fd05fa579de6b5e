import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, onTestFinished } from 'vitest';
import { CLOSE_CODES } from '../../http/index.js';
import { until } from '../support/until.js';
import { numbered } from '../sync/support/people.js';
import { type Chat, join, openChat } from './support/chat.js';
import { bodiesOf, Caller, lastId } from './support/client.js';
import { onNodeWithSockets, SocketReader } from './support/sockets.js';

const BODY = 'x'.repeat(20_000);
const MESSAGES = 700;
const STREAMS = 2;
const PATIENCE_MS = 100_000;
/** The system's own buffers take a few megabytes before anything waits in this process. */
const BUFFERED = 65_536;

async function chatWithMuch(streamsPerUser: number): Promise<Chat> {
  const chat = await openChat({ limits: { bufferedBytes: BUFFERED, slowMs: 2000, streamsPerUser } });
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

describe('a client that does not read', { timeout: 240_000 }, () => {
  it('is cut off by SSE within bounded memory, and slows nobody else', async () => {
    const chat = await chatWithMuch(STREAMS);
    const url = await onNodeWithSockets(chat.gateway);
    const before = usedMiB();
    const head = 'GET /events?after= HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer bob\r\n\r\n';
    const slow = await Promise.all(Array.from({ length: STREAMS }, () => ask(url, head)));
    const closed = slow.map((socket) => once(socket, 'close'));
    // Another one reads all meanwhile.
    expect(await countMessages(url)).toBe(MESSAGES);
    // Of the 14 MB for each client, at most a page waits here.
    expect(usedMiB() - before).toBeLessThan(20);
    await until('the streams are given up', () => hasRoom(url, STREAMS), PATIENCE_MS);
    for (const socket of slow) socket.resume();
    await Promise.all(closed);
  });

  it('is closed as slow on a WebSocket, and goes on from its last position', async () => {
    const chat = await chatWithMuch(1);
    const url = await onNodeWithSockets(chat.gateway);
    const socket = await SocketReader.as('bob', `${url}/events?after=`);
    await socket.next();
    socket.socket.pause();
    await until('the server has given up', () => hasRoom(url, 1), PATIENCE_MS);
    socket.socket.resume();
    expect((await socket.closed)[0]).toBe(CLOSE_CODES.slow);
    expect(socket.frames.at(-1)).toEqual({ event: 'closing', data: { reason: 'slow', resume: true } });
    const got = bodiesOf(socket.frames);
    expect(got.length).toBeLessThan(MESSAGES);
    const shown = new Set(got);
    const rest = await SocketReader.as('bob', `${url}/events?after=${encodeURIComponent(lastId(socket.frames)!)}`);
    for (const body of bodiesOf(await rest.untilCaughtUp())) shown.add(body);
    expect([...shown].map((body) => body.split(' ')[0])).toEqual(numbered(MESSAGES));
  });
});

/** Reads all messages of a stream, and keeps none. */
async function countMessages(url: string): Promise<number> {
  const response = await fetch(`${url}/events`, { headers: { authorization: 'Bearer ann' } });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let count = 0;
  for (let rest = ''; !rest.includes('event: caught-up'); ) {
    const { value = '' } = await reader.read();
    const parts = (rest + value).split('event: message');
    count += parts.length - 1;
    rest = parts.at(-1)!.slice(-100);
  }
  await reader.cancel();
  return count;
}

/** `true` once the user may have all streams again. */
async function hasRoom(url: string, count: number): Promise<boolean> {
  const bob = new Caller(url, 'bob');
  const opened = await Promise.all(Array.from({ length: count }, () => bob.events('/events?after=')));
  const statuses = opened.map(({ response }) => response.status);
  for (const reader of opened) reader.close();
  return statuses.every((status) => status === 200);
}
