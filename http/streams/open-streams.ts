import { GatewayError } from '../problems.js';

/** A stream that the gateway can end. */
export interface OpenStream {
  /** Ends it because the server shuts down. */
  drain(): void;
  /** Resolves once it has ended and has nothing left to write. */
  readonly ended: Promise<unknown>;
}

const RETRY_SECONDS = '5';

/** The streams of this process, by user. */
export class OpenStreams {
  readonly #most: number;
  readonly #counts = new Map<string, number>();
  readonly #open = new Set<OpenStream>();

  constructor(streamsPerUser: number) {
    this.#most = streamsPerUser;
  }

  /** The number of open streams. */
  get size(): number {
    return this.#open.size;
  }

  /** Counts a stream of the user until the returned function is called. Refuses one too many. */
  reserve(user: string): () => void {
    const count = this.#counts.get(user) ?? 0;
    if (count >= this.#most) {
      const message = `${this.#most} streams of this user are open`;
      throw new GatewayError('GATEWAY_TOO_MANY_REQUESTS', message, { 'retry-after': RETRY_SECONDS });
    }
    this.#counts.set(user, count + 1);
    let isReserved = true;
    return () => {
      if (!isReserved) return;
      isReserved = false;
      const left = (this.#counts.get(user) ?? 1) - 1;
      if (left === 0) this.#counts.delete(user);
      else this.#counts.set(user, left);
    };
  }

  add(stream: OpenStream): void {
    this.#open.add(stream);
    void stream.ended.finally(() => this.#open.delete(stream)).catch(() => undefined);
  }

  /** Ends all streams. Resolves once they have ended. */
  async drain(): Promise<void> {
    const open = [...this.#open];
    for (const stream of open) stream.drain();
    await Promise.allSettled(open.map(({ ended }) => ended));
  }
}
