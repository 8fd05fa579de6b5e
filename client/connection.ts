import type { Frame } from '../http/protocol.js';
import { type ChatError, unavailable } from './chat-error.js';
import type { Core } from './core.js';
import type { Transport } from './transport.js';
import type { ChatState } from './types.js';

/** Time on the network beyond two heartbeats, in milliseconds. */
const SLACK_MS = 1000;
/** Answers to a position that the server does not accept. */
const POSITION_REFUSED = [400, 410, 413];

/** The chat that a connection serves. */
export interface ConnectionHost<M> extends Core {
  /** The `id` read last. */
  cursor: string | undefined;
  enter(state: ChatState): void;
  receive(frame: Frame<M>): void;
  /** Reads again what is shown. `isAnew`: entries of before come again. */
  refresh(isAnew: boolean): void;
}

/** One stream after another, until the chat is closed. Where one gets no stream open, the next transport is tried. */
export class Connection<M> {
  readonly #host: ConnectionHost<M>;
  readonly #transports: readonly Transport<M>[];
  /** Streams in a row without progress. */
  #attempts = 0;
  #abort = () => {};

  constructor(host: ConnectionHost<M>, transports: readonly Transport<M>[]) {
    this.#host = host;
    this.#transports = transports;
  }

  async run(): Promise<void> {
    const { closed, backoff } = this.#host;
    closed.addEventListener('abort', this.reconnect);
    for (let turn = 0; !closed.aborted; ) {
      this.#host.enter('connecting');
      const { isReady, error } = await this.#stream(this.#transports[turn % this.#transports.length] as Transport<M>);
      if (closed.aborted) break;
      if (!isReady) turn++;
      this.#host.enter('offline');
      if (error) this.#host.fail(error);
      await backoff.wait(this.#attempts++, error?.pauseMs);
    }
  }

  /** Ends the stream; another one follows. */
  readonly reconnect = (): void => this.#abort();

  async #stream(transport: Transport<M>): Promise<{ isReady: boolean; error?: ChatError }> {
    const host = this.#host;
    const { cursor } = host;
    const controller = new AbortController();
    const { signal } = controller;
    this.#abort = () => controller.abort();
    let isReady = false;
    let isNew = cursor === undefined && !host.options.device && host.isBegun;
    let silenceMs = host.options.timeoutMs ?? 15_000;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onActivity = () => {
      clearTimeout(timer);
      timer = setTimeout(this.#abort, silenceMs);
    };
    const checkPosition = (status = 0) => {
      if (cursor === undefined || !POSITION_REFUSED.includes(status)) return;
      host.cursor = undefined;
      host.refresh(true);
    };
    const onFrame = (frame: Frame<M>) => {
      if (signal.aborted) return;
      const { event, data } = frame;
      if (event === 'ready') {
        isReady = true;
        silenceMs = 2 * data.heartbeatMs + SLACK_MS;
        onActivity();
        host.enter('catching-up');
      } else if (event === 'closing') checkPosition(data.problem?.status);
      else if (isNew && event !== 'ping') {
        // Something may have come between the stream before and this one.
        isNew = false;
        host.refresh(false);
      }
      host.receive(frame);
      if ('id' in frame || event === 'caught-up') this.#attempts = 0;
      if (event === 'caught-up') host.enter('live');
    };
    onActivity();
    try {
      await transport({ cursor, signal, onActivity, onFrame });
      return { isReady };
    } catch (failure) {
      const error = unavailable(failure);
      checkPosition(error.status);
      return { isReady, error };
    } finally {
      clearTimeout(timer);
      controller.abort();
    }
  }
}
