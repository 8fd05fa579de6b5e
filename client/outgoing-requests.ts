import type { BatchAnswer, SentAnswer } from '../http/protocol.js';
import { type ChatError, refusalOf } from './chat-error.js';
import type { OutgoingItem } from './outgoing-item.js';
import type { Requests } from './requests.js';
import type { StoredOutgoing } from './types.js';

/** The gateway's own limit, by default. */
export const MOST_MESSAGES = 100;
/** Of at most three bytes each: far below the gateway's limit, and that of usual proxies. */
const MOST_CHARACTERS = 200_000;

const METHODS = { send: 'POST', edit: 'PATCH', recall: 'DELETE' };

/** The items of one request: messages that follow one another, or one item of any kind. */
export function nextRequest<M>(items: readonly OutgoingItem<M>[], most: number): readonly OutgoingItem<M>[] {
  const batch: OutgoingItem<M>[] = [];
  let room = MOST_CHARACTERS;
  for (const item of items) {
    if (item.status !== 'pending') continue;
    room -= `${JSON.stringify(item.body)}`.length;
    const isFull = batch.length >= most || room < 0 || item.kind !== 'send' || batch[0]?.kind !== 'send';
    if (isFull && batch.length > 0) break;
    batch.push(item);
  }
  return batch;
}

/** Sends the items of one request. Resolves with an outcome for each in turn; there may be none for the last ones. */
export async function sendRequest<M>(
  ask: Requests['ask'],
  items: readonly OutgoingItem<M>[],
): Promise<(SentAnswer | ChatError)[]> {
  const [first, ...others] = items.map(({ stored }) => stored) as [StoredOutgoing, ...StoredOutgoing[]];
  const { kind, conversation, target } = first;
  if (others.length > 0) {
    const messages = [first, ...others].map(bodyOf);
    const { outcomes } = await ask<BatchAnswer>('POST', conversation, '/batch', { messages });
    return outcomes.map((outcome) => ('problem' in outcome ? refusalOf(outcome.problem) : outcome));
  }
  const place = kind === 'send' ? '' : `/${target}`;
  return [await ask(METHODS[kind], conversation, `/messages${place}`, kind === 'recall' ? undefined : bodyOf(first))];
}

const bodyOf = ({ kind, body, key, mentions, countable, target }: StoredOutgoing) => ({
  ...{ body, key, mentions, countable },
  relatesTo: kind === 'send' ? target : undefined,
});
