import { connect, createServer, type Server, type Socket } from 'node:net';
import { pipeline, Transform } from 'node:stream';

/** A network path to an emulator: it can be slow, and go silent while its connections stay open. */
export class TablestorePath {
  readonly #pairs = new Set<{ readonly near: Socket; readonly far: Socket }>();
  #server!: Server;
  #isSilent = false;
  port = 0;

  private constructor(
    private readonly to: number,
    private readonly latencyMs: number,
  ) {}

  /** `latencyMs`: what a request and its answer take on the way together. */
  static async start(endpoint: string, latencyMs = 0): Promise<TablestorePath> {
    const path = new TablestorePath(Number(new URL(endpoint).port), latencyMs);
    path.#server = createServer((near) => path.#join(near));
    await new Promise<void>((resolve) => path.#server.listen(0, '127.0.0.1', resolve));
    path.port = (path.#server.address() as { port: number }).port;
    return path;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Connections that are open now carry nothing more; new ones are made and work. Returns what ends those for good. */
  stall(): () => void {
    const stalled = [...this.#pairs];
    for (const { near, far } of stalled) {
      near.unpipe();
      far.unpipe();
      near.pause();
      far.pause();
    }
    return () => {
      for (const { near, far } of stalled) {
        near.destroy();
        far.destroy();
      }
    };
  }

  /** No connection carries anything, and new ones are made and do not either. Returns what lets new ones work again. */
  silence(): () => void {
    this.#isSilent = true;
    const end = this.stall();
    return () => {
      this.#isSilent = false;
      end();
    };
  }

  async close(): Promise<void> {
    for (const { near, far } of this.#pairs) {
      near.destroy();
      far.destroy();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: Socket): void {
    const far = connect(this.to, '127.0.0.1');
    const pair = { near, far };
    this.#pairs.add(pair);
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#pairs.delete(pair);
        near.destroy();
        far.destroy();
      });
    }
    if (this.#isSilent) return;
    if (this.latencyMs === 0) {
      near.pipe(far);
      far.pipe(near);
      return;
    }
    pipeline(near, delay(this.latencyMs / 2), far, () => {});
    pipeline(far, delay(this.latencyMs / 2), near, () => {});
  }
}

function delay(ms: number): Transform {
  return new Transform({
    transform(chunk, _, done) {
      setTimeout(() => done(null, chunk), ms);
    },
  });
}
