import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { afterTest, tempFile } from '../sqlite/support.js';
import { bundled } from '../support/bundled.js';
import { numbered } from '../sync/support/people.js';
import { type AnyFrame, bodiesOf, Caller } from './support/client.js';
import { SocketReader } from './support/sockets.js';

const CHILD = join(import.meta.dirname, 'support/server-child.ts');
const BODIES = numbered(60);

/** A server on a file, which can be killed and started again at the same address. */
class RestartableServer {
  readonly #file = tempFile();
  #child: ChildProcess | undefined;
  #port = '0';
  #tellStarted: () => void = () => undefined;
  #started: Promise<void> = this.#untilStarted();

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const child = spawn(process.execPath, [bundled(CHILD), this.#file, this.#port], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    afterTest(() => child.kill('SIGKILL'));
    this.#port = String((await once(child.stdout!, 'data'))[0]).trim();
    this.#tellStarted();
  }

  /** Resolves once the server runs; while it ends, once the next one does. */
  get started(): Promise<void> {
    return this.#started;
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child!;
    const exit = once(child, 'exit');
    this.#started = this.#untilStarted();
    child.kill(signal);
    await exit;
  }

  #untilStarted(): Promise<void> {
    return new Promise((resolve) => {
      this.#tellStarted = resolve;
    });
  }
}

let server: RestartableServer;

beforeEach(async () => {
  server = new RestartableServer();
  await server.start();
  const ann = new Caller(server.url, 'ann');
  expect((await ann.call('POST', '/conversations/team/members', { users: ['ann', 'bob'] })).status).toBe(200);
});

/** Sends one after the other, each until it is acknowledged. */
async function sendAll(onSent: (count: number) => void): Promise<void> {
  for (const [i, body] of BODIES.entries()) {
    for (;;) {
      try {
        await new Caller(server.url, 'ann').say('team', body, body);
        break;
      } catch {
        await server.started;
      }
    }
    onSent(i + 1);
  }
}

interface Stream {
  next(): Promise<AnyFrame | undefined>;
}

/** Shows each message once, whatever happens to its connections. */
async function showAll(open: (position: string | undefined) => Promise<Stream>): Promise<string[]> {
  const shown = new Map<string, string>();
  let position: string | undefined;
  while (shown.size < BODIES.length) {
    try {
      const stream = await open(position);
      for (let frame = await stream.next(); frame; frame = await stream.next()) {
        if (frame.event !== 'message') continue;
        const { entrySeqId } = frame.data;
        if (!shown.has(entrySeqId)) shown.set(entrySeqId, bodiesOf([frame])[0]!);
        position = frame.id ?? position;
        if (shown.size === BODIES.length) break;
      }
    } catch {
      await server.started;
    }
  }
  return [...shown.values()];
}

describe.each(['SIGKILL', 'SIGTERM'] as const)('a server that is ended by %s and started again, twice', (signal) => {
  it('loses and repeats nothing, in order, for clients by SSE and WebSocket', { timeout: 240_000 }, async () => {
    const headersOf = (position: string | undefined): Record<string, string> =>
      position === undefined ? {} : { 'last-event-id': position };
    const clients = [
      showAll((position) =>
        new Caller(server.url, 'bob', { 'x-device': 'phone' }).events('/events', headersOf(position)),
      ),
      showAll((position) => new Caller(server.url, 'bob').events('/events?after=', headersOf(position))),
      showAll((position) => SocketReader.as('bob', `${server.url}/events?after=${encodeURIComponent(position ?? '')}`)),
    ];
    let ending = Promise.resolve();
    await sendAll((count) => {
      if (count % 20 === 0 && count < BODIES.length)
        ending = ending.then(async () => {
          await server.end(signal);
          await server.start();
        });
    });
    await ending;
    for (const client of clients) expect(await client).toEqual(BODIES);
    await server.end('SIGTERM');
  });
});
