import { connect, createServer, type Server, type Socket } from 'node:net';

interface Connection {
  readonly client: Socket;
  readonly server: Socket;
  isSilent: boolean;
  isCut: boolean;
}

/**
 * A TCP proxy on loopback: it can be slow, lead to another server, refuse connections, go silent while they stay open,
 * and lose answers.
 */
export class TcpProxy {
  readonly port: number;
  readonly #listening: Server;
  readonly #latencyMs: number;
  readonly #connections = new Set<Connection>();
  #serverPort: number;
  #isSilent = false;
  #isRefusing = false;
  #cutText: string | undefined;

  private constructor(listening: Server, port: number, serverPort: number, latencyMs: number) {
    this.#listening = listening;
    this.port = port;
    this.#serverPort = serverPort;
    this.#latencyMs = latencyMs;
    listening.on('connection', (client) => this.#accept(client));
  }

  /** `latencyMs`: added to each request and its answer together. Default 0. */
  static async start(serverPort: number, latencyMs = 0): Promise<TcpProxy> {
    const listening = createServer();
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    const address = listening.address();
    if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port');
    return new TcpProxy(listening, address.port, serverPort, latencyMs);
  }

  /** Open connections forward nothing any more, in neither direction, and stay open; new ones work. */
  stall(): void {
    for (const connection of this.#connections) connection.isSilent = true;
  }

  /** Stalls open connections and those that are made until `heal`. */
  silence(): void {
    this.stall();
    this.#isSilent = true;
  }

  /** Ends open connections, and those that are made until `heal`. */
  refuse(): void {
    this.cut();
    this.#isRefusing = true;
  }

  /** New connections work again; silent ones stay silent and open. */
  heal(): void {
    this.#isSilent = false;
    this.#isRefusing = false;
  }

  /** Ends all open connections. */
  cut(): void {
    for (const connection of this.#connections) destroy(connection);
  }

  closeSilent(): void {
    for (const connection of this.#connections) if (connection.isSilent) destroy(connection);
  }

  /** New connections go to that port; open ones stay where they are. */
  leadTo(serverPort: number): void {
    this.#serverPort = serverPort;
  }

  /** Delivers the next request that contains `text`, and ends its connection instead of answering. */
  cutNextReplyTo(text: string): void {
    this.#cutText = text;
  }

  async stop(): Promise<void> {
    for (const connection of this.#connections) destroy(connection);
    await new Promise((resolve) => this.#listening.close(resolve));
  }

  #accept(client: Socket): void {
    if (this.#isRefusing) {
      client.destroy();
      return;
    }
    const server = connect(this.#serverPort, '127.0.0.1');
    const connection: Connection = { client, server, isSilent: this.#isSilent, isCut: false };
    this.#connections.add(connection);
    client.on('data', (data) => {
      if (this.#cutText !== undefined && data.includes(this.#cutText)) {
        this.#cutText = undefined;
        connection.isCut = true;
      }
      this.#forward(connection, data, server);
    });
    server.on('data', (data) => {
      if (connection.isCut) destroy(connection);
      else this.#forward(connection, data, client);
    });
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        // A client on a silent connection does not learn that its server has gone.
        if (connection.isSilent && socket === server) return;
        this.#connections.delete(connection);
        destroy(connection);
      });
    }
  }

  #forward(connection: Connection, data: Buffer, to: Socket): void {
    const write = () => {
      if (!connection.isSilent) to.write(data);
    };
    if (this.#latencyMs === 0) write();
    else setTimeout(write, this.#latencyMs / 2);
  }
}

function destroy({ client, server }: Connection): void {
  client.destroy();
  server.destroy();
}
