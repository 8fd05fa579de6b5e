import type { Device, SignalMessage, SyncMessage } from '../../sync/index.js';
import type { Frame, MessageFrame, WireMessage, WireSignal } from '../protocol.js';

/** Messages per page: the most that come again after a cut. */
const PAGE_SIZE = 100;

const EMPTY = {};

/**
 * Yields the frames of a device: its messages, and `caught-up` once. The last message of a page has an `id`. A page
 * ends where the next message is not at hand in the same turn of the event loop: cursors are made on demand, and cost
 * more than a message.
 */
export async function* deviceFrames<M>(
  device: Device<M>,
  after: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<Frame<M>, void, undefined> {
  let position = after;
  if (after === '') {
    // A client that begins gets a position even if there is no message, or what comes while it is away would be lost.
    const page = await device.pull({ after, limit: PAGE_SIZE, signal });
    const last = page.messages.length - 1;
    for (const [i, message] of page.messages.entries()) {
      const { truncated } = page;
      const told = i === 0 && truncated ? { ...plainMessage(message), truncated } : message;
      yield messageFrame(told as SyncMessage<M>, i === last ? page.cursor : undefined);
    }
    position = page.cursor;
  }
  let isCaughtUp = false;
  let isToldSo = false;
  let tellCaughtUp: () => void = () => undefined;
  const caughtUp = new Promise<void>((resolve) => {
    tellCaughtUp = resolve;
  });
  let isEmptied = false;
  const onEmptied = () => {
    isEmptied = true;
  };
  const onCaughtUp = () => {
    isCaughtUp = true;
    tellCaughtUp();
  };
  const messages = device
    .subscribe({ after: position, signal, pageSize: PAGE_SIZE, onCaughtUp, onEmptied })
    [Symbol.asyncIterator]();
  let lastId = position;
  let held: SyncMessage<M> | undefined;
  let heldInPage = 0;
  try {
    for (;;) {
      const next = messages.next();
      const atHand = await settledInTurn(next);
      if (held) {
        const isFollowed = atHand?.done === false && atHand.value.kind !== 'signal' && heldInPage < PAGE_SIZE;
        const id: string | undefined = isFollowed ? undefined : held.cursor;
        if (id !== undefined) {
          lastId = id;
          heldInPage = 0;
        }
        yield messageFrame(held, id);
        held = undefined;
      }
      if (!atHand && !isToldSo) await Promise.race([next, caughtUp]);
      if (isCaughtUp && !isToldSo) {
        isToldSo = true;
        if (isEmptied) yield { event: 'resync', data: EMPTY };
        yield { event: 'caught-up', data: EMPTY, ...(lastId !== undefined && { id: lastId }) };
      }
      const { done, value: message } = await next;
      if (done) return;
      if (message.resynced) yield { event: 'resync', data: EMPTY };
      if (message.kind === 'signal') {
        yield signalFrame(message);
        continue;
      }
      held = message;
      heldInPage++;
    }
  } finally {
    await messages.return?.();
  }
}

/** Missing in some runtimes. */
const { setImmediate = setTimeout } = globalThis as { setImmediate?: (call: () => void) => unknown };

/** Resolves with the result if it comes within this turn of the event loop. */
function settledInTurn<T>(promise: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    promise.then(resolve, () => resolve(undefined));
    setImmediate(() => resolve(undefined));
  });
}

/** In JSON, a message has the form of the frame. */
function messageFrame<M>(message: SyncMessage<M>, id: string | undefined): MessageFrame<M> {
  return { event: 'message', data: message as unknown as WireMessage<M>, ...(id !== undefined && { id }) };
}

function plainMessage<M>(message: SyncMessage<M>): object {
  return message.toJSON() as object;
}

/** A signal that comes before any message tells of what was lost. */
function signalFrame(message: SignalMessage): Frame<never> {
  const { conversation, sender: from, body, sentAt, truncated } = message;
  const lost = truncated?.map(({ conversation, through }) => ({ conversation, through: String(through) }));
  const data: WireSignal = { conversation, from, body, sentAt, ...(lost && { truncated: lost }) };
  return { event: 'signal', data };
}
