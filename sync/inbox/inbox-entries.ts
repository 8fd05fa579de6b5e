import type { TimelineEntry } from '../../src/types.js';
import type { Context } from '../shared/context.js';
import type { Stored, Synced } from '../types.js';

export type Diffused<M> = Extract<Stored<M>, { kind: 'message' | 'edit' | 'recall' }>;

export function isDiffused<M>(message: Stored<M> | undefined): message is Diffused<M> {
  return message?.kind === 'message' || message?.kind === 'edit' || message?.kind === 'recall';
}

/** An entry of a conversation as inboxes hold it: the same whoever makes it, as far as its target was not edited meanwhile. */
export function copyOf<M>(
  context: Pick<Context<M>, 'refersTo'>,
  conversation: string,
  entry: TimelineEntry<Stored<M>>,
  message: Diffused<M>,
): Synced<M> {
  const body = message.kind === 'recall' ? undefined : message.body;
  return {
    kind: message.kind,
    conversation,
    seqId: String(entry.seqId),
    sender: message.sender,
    sentAt: entry.appendedAt,
    ...(message.kind !== 'message' && { target: message.target }),
    ...(body !== undefined && !context.refersTo(body) && { body }),
  };
}

/** For an entry that does not decode where it is fanned out: whoever reads this looks at the conversation's entry. */
export function referenceTo<M>(conversation: string, entry: TimelineEntry<Stored<M>>): Synced<M> {
  const { seqId, appendedAt } = entry;
  return { kind: 'message', conversation, seqId: String(seqId), sender: '', sentAt: appendedAt, undecodable: true };
}
