import type { Frame } from '../http/protocol.js';
import type { Core } from './core.js';
import type { Transport } from './transport.js';

const ACK_PAUSE_MS = 200;

/** Server-sent events, read by `fetch`: an `EventSource` can send no token but in the address. */
export function sseTransport<M>({ request, open, options }: Core): Transport<M> {
  let acknowledging: ReturnType<typeof setTimeout> | undefined;
  let reached: string | undefined;
  /** A failure does no harm: the next acknowledgement, or the next stream, says more. */
  const acknowledge = () => {
    acknowledging = undefined;
    request('POST', '/ack', { cursor: reached }).catch(() => {});
  };
  return async ({ path, signal, onActivity, onFrame }) => {
    const { body } = await open('GET', path, undefined, signal);
    const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done) return undefined;
      onActivity();
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop() as string;
      for (const block of blocks) {
        const { event, id, data } = Object.fromEntries(block.split('\n').map((line) => line.split(/: ?(.*)/)));
        if (!data) continue;
        onFrame({ event, data: JSON.parse(data), ...(id && { id }) } as Frame<M>);
        if (!id || !options.device) continue;
        reached = id;
        if (!acknowledging) acknowledging = setTimeout(acknowledge, ACK_PAUSE_MS);
      }
    }
  };
}
