import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy whose connections can go silent without being closed, and that can forward new ones to another port. */
export class RedisProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #to: number;
  /** New connections are accepted, and nothing is forwarded. */
  #isSilent = false;

  private constructor(server: Server, port: number, to: number) {
    this.#server = server;
    this.port = port;
    this.#to = to;
    server.on('connection', (near) => this.#accept(near));
  }

  static async start(to: number): Promise<RedisProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('the proxy has no port');
    return new RedisProxy(server, address.port, to);
  }

  /** Open connections stay open but forward nothing, in either direction. New ones work, unless `all`. */
  silence({ all = false }: { all?: boolean } = {}): void {
    for (const pair of this.#pairs) pair.isSilent = true;
    this.#isSilent = all;
  }

  /** New connections work again. */
  forwardAgain(): void {
    this.#isSilent = false;
  }

  /** Forwards new connections to another port; open ones stay where they are. */
  redirectTo(port: number): void {
    this.#to = port;
  }

  async stop(): Promise<void> {
    for (const { near, far } of this.#pairs) {
      near.destroy();
      far.destroy();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(near: Socket): void {
    const far = connect(this.#to, '127.0.0.1');
    const pair: Pair = { near, far, isSilent: this.#isSilent };
    this.#pairs.add(pair);
    near.on('data', (data) => {
      if (!pair.isSilent) far.write(data);
    });
    far.on('data', (data) => {
      if (!pair.isSilent) near.write(data);
    });
    for (const socket of [near, far]) {
      socket.on('error', () => {});
      socket.on('close', () => {
        if (pair.isSilent && socket === far) return;
        this.#pairs.delete(pair);
        near.destroy();
        far.destroy();
      });
    }
  }
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  isSilent: boolean;
}
