import { TimelineError } from '../../src/index.js';
import { checkSeqId, describeValue, invalidArgument } from '../../src/toolkit/index.js';
import type { MessageDetails } from '../inbox/inbox-entries.js';
import type { Context } from '../shared/context.js';
import { checkMentions } from '../shared/names.js';
import { isUndecodable, lenient } from '../shared/undecodable.js';
import type { OutgoingMessage } from '../types.js';

/** Returns the optional fields of a message as the conversation stores them. */
export function checkDetails({ countable, relatesTo, mentions }: OutgoingMessage<unknown>): MessageDetails {
  if (countable !== undefined && typeof countable !== 'boolean')
    throw invalidArgument('countable', `must be a boolean, not ${describeValue(countable)}`);
  const names = checkMentions(mentions);
  return {
    ...(countable === false && { countable }),
    ...(relatesTo !== undefined && { relatesTo: String(checkSeqId(relatesTo, 'relatesTo', 1n)) }),
    ...(names && { mentions: names }),
  };
}

/** Throws `TIMELINE_NOT_FOUND` unless the conversation holds a message at the SeqId. */
export async function checkTarget<M>(
  { store }: Context<M>,
  conversation: string,
  target: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const entry = await store.timeline(conversation).get(BigInt(target), { ...lenient, signal });
  const isMessage = entry && !entry.deleted && (isUndecodable(entry.message) || entry.message.kind === 'message');
  if (isMessage) return;
  throw new TimelineError(
    'TIMELINE_NOT_FOUND',
    `relatesTo: there is no message ${target} in ${describeValue(conversation)}`,
    { argument: 'relatesTo', timeline: conversation },
  );
}
