import { type Frame, LAST_EVENT_ID_HEADER } from '../http/protocol.js';
import { ChatError, unavailable } from './chat-error.js';
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
  /** Ends the stream; another one follows. */
  reconnect(): void;
  enter(state: ChatState): void;
  receive(frame: Frame<M>): void;
  /** Views are read again as soon as the server has a position; earlier entries come again. */
  beginAnew(): void;
}

/** Opens one stream after another, until the chat is closed. Where one transport gets none open, the next is tried. */
export async function stayConnected<M>(host: ConnectionHost<M>, transports: readonly Transport<M>[]): Promise<void> {
  const { closed, enter, options } = host;
  const { device, timeoutMs = 15_000 } = options;
  /** Streams in a row without progress. */
  let attempts = 0;
  for (let turn = 0; !closed.aborted; ) {
    enter('connecting');
    const { cursor } = host;
    const query = { start: 'now', ...(device && { device }), ...(cursor && { [LAST_EVENT_ID_HEADER]: cursor }) };
    const path = `/events?${new URLSearchParams(query)}`;
    const controller = new AbortController();
    const { signal } = controller;
    let isReady = false;
    let silenceMs = timeoutMs;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let error: ChatError | undefined;
    host.reconnect = () => controller.abort();
    // Something may come between the stream before and this one.
    if (!cursor) host.isBegun = false;
    const onActivity = () => {
      clearTimeout(timer);
      timer = setTimeout(host.reconnect, silenceMs);
    };
    const checkPosition = (status = 0) => {
      if (!cursor || !POSITION_REFUSED.includes(status)) return;
      host.cursor = undefined;
      host.beginAnew();
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
      host.receive(frame);
      if ('id' in frame || event === 'caught-up') attempts = 0;
      if (event === 'caught-up') enter('live');
    };
    onActivity();
    try {
      const status = await transports[turn % transports.length]?.({ path, signal, onActivity, onFrame });
      if (status) throw new ChatError({ code: 'TIMELINE_UNAVAILABLE', status });
    } catch (failure) {
      error = unavailable(failure);
    }
    checkPosition(error?.status);
    clearTimeout(timer);
    controller.abort();
    if (closed.aborted) break;
    if (!isReady) turn++;
    enter('offline');
    if (error) host.fail(error);
    await host.pause(attempts++, error);
  }
}
