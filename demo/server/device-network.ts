/** The network between devices and the chat server: a proxy that can cut each device off. */
import { type IncomingMessage, request as requestOf, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Requests of a device begin with this, its user and its name: `/device/ann/laptop/…`. */
const PATH = /^\/device\/([^/]+)\/([^/]+)(\/.*)$/;

export interface DevicePath {
  /** `user/device`. */
  readonly name: string;
  /** The path and query for the chat server. */
  readonly path: string;
}

export function devicePathOf(url: string): DevicePath | undefined {
  const [, user, device, path] = PATH.exec(url) ?? [];
  return path === undefined ? undefined : { name: `${decodeURIComponent(user!)}/${decodeURIComponent(device!)}`, path };
}

export class DeviceNetwork {
  readonly #portOf: () => number | undefined;
  readonly #cut = new Set<string>();
  readonly #connections = new Map<string, Set<Duplex>>();

  /** `portOf` returns the chat server's port, or `undefined` while it is down. */
  constructor(portOf: () => number | undefined) {
    this.#portOf = portOf;
  }

  get cut(): readonly string[] {
    return [...this.#cut];
  }

  /** Breaks all connections of the device, and every new one, until {@link restore}. */
  cutOff(name: string): void {
    this.#cut.add(name);
    for (const connection of this.#connections.get(name) ?? []) connection.destroy();
  }

  restore(name: string): void {
    this.#cut.delete(name);
  }

  /** Passes a request on. A connection that is cut, or whose server dies, ends without an answer, as in a real one. */
  forward(request: IncomingMessage, response: ServerResponse, { name, path }: DevicePath): void {
    const port = this.#portOf();
    if (port === undefined || this.#cut.has(name)) return void request.socket.destroy();
    this.#keep(name, request.socket);
    const target = { host: '127.0.0.1', port, path, method: request.method ?? 'GET', headers: request.headers };
    const onward = requestOf(target, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.once('error', () => request.socket.destroy());
    });
    onward.once('error', () => request.socket.destroy());
    response.once('close', () => onward.destroy());
    request.pipe(onward);
  }

  /** Passes a WebSocket on. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, { name, path }: DevicePath): void {
    const port = this.#portOf();
    if (port === undefined || this.#cut.has(name)) return void socket.destroy();
    this.#keep(name, socket);
    const onward: Socket = connect(port, '127.0.0.1', () => {
      const lines = [`${request.method} ${path} HTTP/1.1`];
      for (let i = 0; i < request.rawHeaders.length; i += 2)
        lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
      onward.write(`${lines.join('\r\n')}\r\n\r\n`);
      onward.write(head);
      socket.pipe(onward).pipe(socket);
    });
    onward.once('error', () => socket.destroy());
    onward.once('close', () => socket.destroy());
    socket.once('error', () => onward.destroy());
    socket.once('close', () => onward.destroy());
  }

  #keep(name: string, connection: Duplex): void {
    const connections = this.#connections.get(name) ?? new Set();
    this.#connections.set(name, connections);
    if (connections.has(connection)) return;
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
  }
}
