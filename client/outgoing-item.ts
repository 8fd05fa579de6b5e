import { ChatError } from './chat-error.js';
import type { Outgoing, StoredOutgoing } from './types.js';

/** A change of an item: it is as stored, or it is over. The same in every tab. */
export interface OutboxChange {
  readonly item: StoredOutgoing;
  /** The server has it, or it is discarded. */
  readonly isOver?: true;
  /** SeqId of its entry on the server. */
  readonly seqId?: bigint;
}

/** A message, edit or recall on its way. */
export interface OutgoingItem<M> extends Outgoing<M> {
  readonly stored: StoredOutgoing;
  /** It is shown with the message that it changes or relates to, and not by itself. */
  readonly isPart: boolean;
  apply(change: OutboxChange): void;
  fail(error: ChatError): void;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Makes an item, which begins with its first change. `change` is called with what the user of the item wants. */
export function createItem<M>(first: StoredOutgoing, change: (change: OutboxChange) => void): OutgoingItem<M> {
  const { key, conversation, kind, body, target, countable } = first;
  let resolve: (seqId: bigint) => void;
  let reject: (error: ChatError) => void;
  const item = {
    ...{ key, conversation, kind, body, target: target && BigInt(target) },
    isPart: kind !== 'send' || isReaction(countable, target),
    apply: ({ item: stored, isOver, seqId }) => {
      const { refused } = stored;
      if (item.status !== 'pending') {
        item.status = 'pending';
        item.error = undefined;
        item.sent = new Promise((...settle) => {
          [resolve, reject] = settle;
        });
        item.sent.catch(() => {});
      }
      item.stored = stored;
      if (seqId) {
        item.status = 'sent';
        resolve(seqId);
      } else if (isOver) item.fail(new ChatError({ code: 'TIMELINE_ABORTED', detail: 'discarded' }));
      else if (refused) item.fail(new ChatError(refused));
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
      if (item.status !== 'sent') change({ item: item.stored, isOver: true });
    },
  } as Mutable<OutgoingItem<M>>;
  return item;
}

/** A message that is not counted and relates to another one. */
export const isReaction = (countable: boolean | undefined, relatesTo: unknown): boolean =>
  countable === false && relatesTo !== undefined;
