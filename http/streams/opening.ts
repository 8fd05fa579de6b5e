import type { Frame, GatewayLimits } from '../protocol.js';

/** Milliseconds to wait for the first frame. Behind a store that is away, a stream opens without it. */
const OPENING_MS = 1000;

/**
 * Resolves once the first frame is there, or soon after. Rejects if opening fails: an answer has a status as long as no
 * frame is sent.
 */
export async function whenOpened(first: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, OPENING_MS);
  });
  try {
    await Promise.race([first, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Makes the first frame of a stream. */
export function readyFrame<M>(
  { user, device }: { readonly user: string; readonly device: string | undefined },
  after: string | undefined,
  { heartbeatMs }: GatewayLimits,
): Frame<M> {
  const position = after === undefined ? 'server' : 'client';
  return { event: 'ready', data: { user, ...(device !== undefined && { device }), position, heartbeatMs } };
}
