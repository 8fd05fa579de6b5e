import type { BatchAnswer, BatchOutcome, SentAnswer } from '../http/protocol.js';
import type { ChatErrorFacts } from './chat-error.js';
import type { OutgoingItem } from './outgoing-item.js';
import type { ViewsHost } from './views.js';

/** The gateway's own limit, by default. */
const MOST_MESSAGES = 100;
/** Of at most three bytes each: far below the gateway's limit, and that of usual proxies. */
const MOST_CHARACTERS = 200_000;

const METHODS = { send: 'POST', edit: 'PATCH', recall: 'DELETE' };

/** Sends the items of the outbox. */
export interface Sender {
  /** Sends until nothing waits in the conversation. */
  send(conversation: string): Promise<void>;
  /** The server may know items of the conversation without having answered. */
  isSending(conversation: string): boolean;
}

/** `onAnswered`: of all that has arrived in a conversation it is known if it was sent here. */
export function createSender<M>(host: ViewsHost<M>, onAnswered: (conversation: string) => void): Sender {
  const { ask, closed, fail, outbox, pause } = host;
  const sending = new Set<string>();

  /** The items of one request: messages that follow one another, or one item of any kind. */
  const next = (conversation: string, most: number): readonly OutgoingItem<M>[] => {
    const pending = outbox.of(conversation).filter(({ status }) => status === 'pending');
    let room = MOST_CHARACTERS;
    const end = pending.findIndex(({ kind, body }, i) => {
      room -= `${JSON.stringify(body)}`.length;
      return i > 0 && (i >= most || room < 0 || kind !== 'send' || pending[0]?.kind !== kind);
    });
    return end < 0 ? pending : pending.slice(0, end);
  };

  /** Resolves with an outcome for each item in turn; there may be none for the last ones. */
  const request = async (batch: readonly OutgoingItem<M>[]): Promise<readonly BatchOutcome[]> => {
    const [{ kind, conversation, target }] = batch as [OutgoingItem<M>];
    const isMessage = kind === 'send';
    const messages = batch.map(({ stored: { body, key, mentions, countable, target } }) => ({
      ...{ body, key, mentions, countable },
      relatesTo: isMessage ? target : undefined,
    }));
    if (messages.length > 1) return (await ask<BatchAnswer>('POST', conversation, '/batch', { messages })).outcomes;
    const route = isMessage ? '/messages' : `/messages/${target}`;
    return [await ask<SentAnswer>(METHODS[kind], conversation, route, kind === 'recall' ? undefined : messages[0])];
  };

  return {
    isSending: (conversation) => sending.has(conversation),
    send: async (conversation) => {
      if (sending.has(conversation)) return;
      sending.add(conversation);
      let attempt = 0;
      let most = MOST_MESSAGES;
      for (let batch = next(conversation, most); batch.length > 0; batch = next(conversation, most)) {
        let failure: ChatErrorFacts | undefined;
        const outcomes = await request(batch).catch((problem): BatchOutcome[] => [{ problem }]);
        if (closed.aborted) return;
        for (const [i, outcome] of outcomes.entries()) {
          const { stored: item, status } = batch[i] as OutgoingItem<M>;
          const problem = 'problem' in outcome ? outcome.problem : undefined;
          if (problem?.retryable) failure = problem;
          // One message may be the reason, or a server that takes no such batch.
          else if (problem && outcomes.length < Math.min(batch.length, 2)) most = 1;
          // It may have been discarded.
          else if (status === 'pending') {
            attempt = 0;
            outbox.change(
              'seqId' in outcome
                ? { item, isOver: true, seqId: BigInt(outcome.seqId) }
                : { item: { ...item, refused: { ...problem } } },
            );
          }
        }
        if (failure) {
          fail(failure);
          await pause(attempt++, failure);
        } else onAnswered(conversation);
      }
      sending.delete(conversation);
      onAnswered(conversation);
    },
  };
}
