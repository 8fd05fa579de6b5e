import type { Frame } from '../http/protocol.js';
import { type ChatError, refusalOf, unavailable } from './chat-error.js';
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

/** One stream after another, until the chat is closed. */
export interface Connection {
  run(): Promise<void>;
  /** Ends the stream; another one follows. */
  reconnect(): void;
}

/** Where one transport gets no stream open, the next one is tried. */
export function createConnection<M>(host: ConnectionHost<M>, transports: readonly Transport<M>[]): Connection {
  const { closed, enter, fail, options, refresh } = host;
  /** Streams in a row without progress. */
  let attempts = 0;
  let reconnect = () => {};

  /** Resolves once the stream has ended. */
  const stream = async (transport: Transport<M>): Promise<{ isReady: boolean; error: ChatError | undefined }> => {
    const { cursor } = host;
    const controller = new AbortController();
    const { signal } = controller;
    reconnect = () => controller.abort();
    let isReady = false;
    let isNew = cursor === undefined && !options.device && host.isBegun;
    let silenceMs = options.timeoutMs ?? 15_000;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let error: ChatError | undefined;
    const onActivity = () => {
      clearTimeout(timer);
      timer = setTimeout(reconnect, silenceMs);
    };
    const checkPosition = (status = 0) => {
      if (cursor === undefined || !POSITION_REFUSED.includes(status)) return;
      host.cursor = undefined;
      refresh(true);
    };
    const onFrame = (frame: Frame<M>) => {
      if (signal.aborted) return;
      const { event, data } = frame;
      if (event === 'ready') {
        isReady = true;
        silenceMs = 2 * data.heartbeatMs + SLACK_MS;
        onActivity();
        enter('catching-up');
      } else if (event === 'closing') checkPosition(data.problem?.status);
      else if (isNew && event !== 'ping') {
        // Something may have come between the stream before and this one.
        isNew = false;
        refresh(false);
      }
      host.receive(frame);
      if ('id' in frame || event === 'caught-up') attempts = 0;
      if (event === 'caught-up') enter('live');
    };
    onActivity();
    try {
      const status = await transport({ cursor, signal, onActivity, onFrame });
      if (status) error = refusalOf({ code: 'TIMELINE_UNAVAILABLE', status }, 'the stream is refused');
    } catch (failure) {
      error = unavailable(failure);
    }
    checkPosition(error?.status);
    clearTimeout(timer);
    controller.abort();
    return { isReady, error };
  };

  return {
    reconnect: () => reconnect(),
    run: async () => {
      closed.addEventListener('abort', () => reconnect());
      for (let turn = 0; !closed.aborted; ) {
        enter('connecting');
        const { isReady, error } = await stream(transports[turn % transports.length] as Transport<M>);
        if (closed.aborted) break;
        if (!isReady) turn++;
        enter('offline');
        if (error) fail(error);
        await host.pause(attempts++, error?.pauseMs);
      }
    },
  };
}
