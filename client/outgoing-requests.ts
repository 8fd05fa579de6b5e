import type { BatchAnswer, SentAnswer } from '../http/protocol.js';
import { type ChatError, refusalOf } from './chat-error.js';
import type { OutgoingItem } from './outgoing-item.js';
import type { Requests } from './requests.js';
import type { StoredOutgoing } from './types.js';
import { pathOf } from './wire.js';

/** The gateway's own limit, by default. */
const MOST_MESSAGES = 100;
/** Of at most three bytes each: far below the gateway's limit, and that of usual proxies. */
const MOST_CHARACTERS = 200_000;

/** The items of one request: messages that follow one another, or one item of any kind. */
export function nextRequest<M>(items: readonly OutgoingItem<M>[], most = MOST_MESSAGES): readonly OutgoingItem<M>[] {
  let characters = 0;
  const pending = items.filter(({ status }) => status === 'pending');
  const end = pending.findIndex(({ kind, body }, i) => {
    characters += String(JSON.stringify(body)).length;
    return i > 0 && (kind !== 'send' || pending[0]?.kind !== kind || i >= most || characters > MOST_CHARACTERS);
  });
  return end < 0 ? pending : pending.slice(0, end);
}

/** Sends the items of one request. Resolves with an outcome for each in turn; there may be none for the last ones. */
export async function sendRequest<M>(
  json: Requests['json'],
  items: readonly OutgoingItem<M>[],
): Promise<(SentAnswer | ChatError)[]> {
  const [first, second] = items.map(({ stored }) => stored) as [StoredOutgoing, StoredOutgoing?];
  if (second) {
    const messages = items.map(({ stored }) => bodyOf(stored));
    const { outcomes } = await json<BatchAnswer>(pathOf(first.conversation, '/batch'), 'POST', { messages });
    return outcomes.map((outcome) => ('problem' in outcome ? refusalOf(outcome.problem) : outcome));
  }
  const { kind, conversation, target, body, key } = first;
  const path = pathOf(conversation, '/messages');
  if (kind === 'send') return [await json(path, 'POST', bodyOf(first))];
  return [
    await (kind === 'edit' ? json(`${path}/${target}`, 'PATCH', { body, key }) : json(`${path}/${target}`, 'DELETE')),
  ];
}

const bodyOf = ({ body, key, mentions, countable, target }: StoredOutgoing) => ({
  ...{ body, key, mentions, countable, relatesTo: target },
});
