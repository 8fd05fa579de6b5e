import { ChatError } from './chat-error.js';
import type { ChatEntry, Outgoing, StoredOutgoing } from './types.js';

/** A change of an item: it is as stored, or it is over. The same in every tab. */
export interface OutboxChange {
  readonly item: StoredOutgoing;
  /** SeqId of its entry on the server. */
  readonly seqId?: bigint;
  /** It is discarded. */
  readonly isGone?: true;
}

/** A message, edit or recall on its way. */
export interface OutgoingItem<M> extends Outgoing<M> {
  stored: StoredOutgoing;
  apply(change: OutboxChange): void;
  fail(error: ChatError): void;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** `change` is called with what the user of the item wants. */
export function createItem<M>(first: StoredOutgoing, change: (change: OutboxChange) => void): OutgoingItem<M> {
  const { key, conversation, kind, body, target } = first;
  let resolve: (seqId: bigint) => void;
  let reject: (error: ChatError) => void;
  const begin = () => {
    item.status = 'pending';
    delete item.error;
    item.sent = new Promise((...settle) => {
      [resolve, reject] = settle;
    });
    item.sent.catch(() => {});
  };
  const item = {
    ...{ stored: first, key, conversation, kind, body, target: target && BigInt(target) },
    apply: ({ item: stored, seqId, isGone }) => {
      const { refused } = stored;
      if (item.error) begin();
      item.stored = stored;
      if (seqId !== undefined) {
        item.status = 'sent';
        resolve(seqId);
      } else if (isGone) item.fail(new ChatError('TIMELINE_ABORTED', 'discarded'));
      else if (refused) item.fail(new ChatError(refused.code, refused.message, refused.status));
    },
    fail: (error) => {
      item.status = 'failed';
      item.error = error;
      reject(error);
    },
    retry: () => {
      if (item.error) change({ item: { ...item.stored, refused: undefined } });
    },
    discard: () => {
      if (item.status !== 'sent') change({ item: item.stored, isGone: true });
    },
  } as Mutable<OutgoingItem<M>>;
  begin();
  return item;
}

/** The entry that an item becomes. */
export function entryOfItem<M>({ stored, target }: OutgoingItem<M>, sender: string, entrySeqId: bigint): ChatEntry<M> {
  const { kind, conversation, body, mentions, countable, at } = stored;
  return {
    ...{ conversation, sender, entrySeqId, sentAt: at },
    ...(kind === 'send'
      ? { kind: 'message', seqId: entrySeqId, ...(target !== undefined && { relatesTo: target }) }
      : { kind, seqId: target as bigint }),
    ...(body !== undefined && { body: body as M }),
    ...(mentions && { mentions }),
    ...(countable === false && { countable }),
  };
}
