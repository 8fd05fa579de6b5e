import { CLOSE_CODES, type Closing, type Frame } from '../protocol.js';
import type { FrameSink } from './live-stream.js';

/** The part of a WebSocket that the gateway uses: one of `ws`, Deno, or another with the browser's interface. */
export interface GatewaySocket {
  /** 0: not open yet. */
  readonly readyState: number;
  /** Bytes that wait to be sent. */
  readonly bufferedAmount: number;
  /** Sends a text. */
  send(data: string): void;
  /** Closes the connection. */
  close(code?: number, reason?: string): void;
  /** Ends the connection at once, where the socket can. */
  terminate?(): void;
  /** Listens. */
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void;
}

const CONNECTING = 0;
const DRAIN_LOOK_MS = 20;
/** Milliseconds for the client's part of closing. */
const CLOSE_MS = 5000;

/** Writes frames to a WebSocket. */
export class SocketSink<M> implements FrameSink<M> {
  /** Resolves once the connection is gone. */
  readonly closed: Promise<void>;
  readonly #socket: GatewaySocket;
  readonly #most: number;
  #isOpen = true;
  #hasClosed: () => void = () => undefined;

  constructor(socket: GatewaySocket, bufferedBytes: number) {
    this.#socket = socket;
    this.#most = bufferedBytes;
    this.closed = new Promise((resolve) => {
      this.#hasClosed = resolve;
    });
  }

  /** Resolves once frames can be sent, or the connection is gone. */
  async opened(): Promise<void> {
    if (this.#socket.readyState !== CONNECTING) return;
    const opening = new Promise<void>((resolve) => this.#socket.addEventListener('open', resolve));
    await Promise.race([opening, this.closed]);
  }

  send(frame: Frame<M>): void {
    if (this.#isOpen) this.#socket.send(JSON.stringify(frame));
  }

  beat(): void {
    if (this.#socket.bufferedAmount === 0) this.send({ event: 'ping', data: {} });
  }

  drained(): Promise<void> | undefined {
    return this.#isFull ? this.#untilDrained() : undefined;
  }

  end(closing: Closing): void {
    if (!this.#isOpen) return;
    this.send({ event: 'closing', data: closing });
    this.#isOpen = false;
    this.#socket.close(codeOf(closing), closing.reason);
    const timer = setTimeout(() => {
      this.#socket.terminate?.();
      this.#hasClosed();
    }, CLOSE_MS);
    void this.closed.then(() => clearTimeout(timer));
  }

  /** The connection is closed. */
  gone(): void {
    this.#isOpen = false;
    this.#hasClosed();
  }

  get #isFull(): boolean {
    return this.#isOpen && this.#socket.bufferedAmount >= this.#most;
  }

  /** Not all sockets tell when they have sent. */
  async #untilDrained(): Promise<void> {
    while (this.#isFull) await new Promise((resolve) => setTimeout(resolve, DRAIN_LOOK_MS));
  }
}

function codeOf({ reason, problem }: Closing): number {
  if (reason === 'slow') return CLOSE_CODES.slow;
  switch (problem?.status) {
    case 401:
      return CLOSE_CODES.unauthorized;
    case 403:
      return CLOSE_CODES.forbidden;
    case 410:
      return CLOSE_CODES.positionRefused;
    case 429:
      return CLOSE_CODES.tooMany;
  }
  if (problem?.code === 'TIMELINE_INVALID_CURSOR') return CLOSE_CODES.positionRefused;
  return reason === 'refused' ? CLOSE_CODES.malformed : CLOSE_CODES.resume;
}
