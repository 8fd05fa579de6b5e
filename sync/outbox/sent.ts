import { encodeTimelineId, isTimelineError } from '../../src/index.js';
import { errorOf, plain } from '../../src/toolkit/index.js';
import type { Delivery, Sent } from '../types.js';

/** Makes the result of a stored entry. */
export function sentOf(
  conversation: string,
  { seqId, duplicate }: Pick<Sent, 'seqId' | 'duplicate'>,
  delivery: Promise<Delivery>,
): Sent {
  const delivered = new Promise<Delivery>((resolve) => {
    delivery.then(resolve, (error: unknown) => resolve(rejectFor(() => delivered, conversation, error)));
  });
  const stored = { seqId, duplicate };
  const toJSON = { value: () => plain(stored) };
  return Object.defineProperty({ ...stored, delivered }, 'toJSON', toJSON) as Sent;
}

/** Rejects with an error whose stack has the frames of whoever awaits `delivered`. */
async function rejectFor(delivered: () => Promise<Delivery>, conversation: string, error: unknown): Promise<never> {
  // V8 finds the caller from here only after the caller's promise follows this one, which takes a turn.
  await undefined;
  await undefined;
  const operation = { name: 'delivery from', timeline: encodeTimelineId(conversation) };
  const found = isTimelineError(error) ? errorOf(operation, error) : error;
  // A rejection is never unhandled. Handled from the start, the promise would hide the caller from the stack.
  delivered().catch(() => undefined);
  throw found;
}
