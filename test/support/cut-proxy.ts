import { connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy that can lose the answers of a server: what was sent arrives, and the connection ends before the reply. */
export class CutProxy {
  port = 0;
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  #cutOn: string | undefined;

  static async start(to: number): Promise<CutProxy> {
    const proxy = new CutProxy();
    await proxy.#listen(to);
    return proxy;
  }

  /** The next request that holds `text` still arrives; its connection ends at the reply. */
  cutNextReplyTo(text: string): void {
    this.#cutOn = text;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  #listen(to: number): Promise<void> {
    this.#server = createServer((near) => {
      const far = connect(to, '127.0.0.1');
      let cut = false;
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          this.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.on('data', (data) => {
        if (this.#cutOn !== undefined && data.includes(this.#cutOn)) {
          this.#cutOn = undefined;
          cut = true;
        }
        far.write(data);
      });
      far.on('data', (data) => {
        if (cut) near.destroy();
        else near.write(data);
      });
    });
    return new Promise((resolve) => {
      this.#server?.listen(0, '127.0.0.1', () => {
        const address = this.#server?.address();
        this.port = typeof address === 'object' && address ? address.port : 0;
        resolve();
      });
    });
  }
}
