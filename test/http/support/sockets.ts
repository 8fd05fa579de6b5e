import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type ClientFrame, type Gateway, toNodeHandler } from '../../../http/index.js';
import type { AnyFrame } from './client.js';

/** Serves the gateway with WebSockets. Resolves with its address. */
export async function onNodeWithSockets(gateway: Gateway): Promise<string> {
  const server = createServer(toNodeHandler(gateway.fetch));
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1_000_000 });
  server.on('upgrade', (request: IncomingMessage, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (ws) => gateway.socket(ws, request)),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface SocketOptions {
  readonly headers?: Record<string, string>;
  readonly protocols?: string[];
}

/** A client on a WebSocket. */
export class SocketReader {
  readonly socket: WebSocket;
  readonly frames: AnyFrame[] = [];
  /** Close code and reason. */
  readonly closed: Promise<readonly [number, string]>;
  #given = 0;
  #isClosed = false;
  #onChange = () => {};

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve([code, String(reason)]));
    });
    socket.on('message', (data) => {
      this.frames.push(JSON.parse(String(data)));
      this.#onChange();
    });
    socket.on('close', () => {
      this.#isClosed = true;
      this.#onChange();
    });
    socket.on('error', () => {});
  }

  static async open(url: string, { headers = {}, protocols = [] }: SocketOptions = {}): Promise<SocketReader> {
    const reader = new SocketReader(new WebSocket(url.replace('http', 'ws'), protocols, { headers }));
    onTestFinished(() => reader.socket.terminate());
    await once(reader.socket, 'open');
    return reader;
  }

  static as(user: string, url: string, headers: Record<string, string> = {}): Promise<SocketReader> {
    return SocketReader.open(url, { headers: { authorization: `Bearer ${user}`, ...headers } });
  }

  send(frame: ClientFrame | string): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** The next frame; `undefined` at the end. */
  async next(): Promise<AnyFrame | undefined> {
    while (this.#given >= this.frames.length) {
      if (this.#isClosed) return undefined;
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
    return this.frames[this.#given++];
  }

  /** Frames up to one that fits, with it. */
  async until(fits: (frame: AnyFrame) => boolean): Promise<AnyFrame[]> {
    const frames: AnyFrame[] = [];
    for (;;) {
      const frame = await this.next();
      if (!frame) throw new Error(`the socket closed after ${JSON.stringify(frames)}`);
      frames.push(frame);
      if (fits(frame)) return frames;
    }
  }

  untilCaughtUp(): Promise<AnyFrame[]> {
    return this.until(({ event }) => event === 'caught-up');
  }
}
