import type { TimelineEntry } from '../../src/index.js';
import type { Stored, StoredMessage, Synced } from '../types.js';

/** The entries of a conversation that go to devices. */
export type Deliverable<M> = Extract<Stored<M>, { kind: 'message' | 'edit' | 'recall' }>;

export function isDeliverable<M>(message: Stored<M> | undefined): message is Deliverable<M> {
  return message?.kind === 'message' || message?.kind === 'edit' || message?.kind === 'recall';
}

/** The fields of a message that no edit changes. */
export type MessageDetails = Pick<StoredMessage<unknown>, 'countable' | 'relatesTo' | 'mentions'>;

export function detailsOf({ countable, relatesTo, mentions }: MessageDetails): MessageDetails {
  return {
    ...(countable === false && { countable }),
    ...(relatesTo !== undefined && { relatesTo }),
    ...(mentions !== undefined && { mentions }),
  };
}

/**
 * Makes the inbox copy of a conversation's entry. Every process makes the same copy until the entry is edited. An edit
 * carries no body: devices take the current one from its message.
 */
export function copyOf<M>(
  { refersTo }: { refersTo(body: M): boolean },
  conversation: string,
  entry: TimelineEntry<Stored<M>>,
  message: Deliverable<M>,
): Synced<M> {
  const body = message.kind === 'message' ? message.body : undefined;
  return {
    kind: message.kind,
    conversation,
    seqId: String(entry.seqId),
    sender: message.sender,
    sentAt: entry.appendedAt,
    ...(message.kind === 'message'
      ? detailsOf(message)
      : { target: message.target, ...(message.by !== undefined && { by: message.by }) }),
    ...(body !== undefined && !refersTo(body) && { body }),
  };
}

/** Turns a copy into a reference: devices take the body from the conversation. */
export function withoutBody<M>({ body: _, ...copy }: Extract<Synced<M>, { readonly sender: string }>): Synced<M> {
  return copy;
}

/** Refers to an entry that does not decode in this process. The reader looks it up in the conversation. */
export function referenceTo<M>(conversation: string, entry: TimelineEntry<Stored<M>>): Synced<M> {
  const { seqId, appendedAt } = entry;
  return { kind: 'message', conversation, seqId: String(seqId), sender: '', sentAt: appendedAt, undecodable: true };
}
