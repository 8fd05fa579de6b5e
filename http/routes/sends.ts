import { describeValue, invalidArgument, type OptionNames } from '../../src/toolkit/index.js';
import type { OutgoingMessage, Sent } from '../../sync/index.js';
import { json, sent, sentAnswer } from '../answers.js';
import { isFault, problemOf, problemResponse } from '../problems.js';
import type { BatchAnswer, BatchBody, BatchOutcome, SendBody } from '../protocol.js';
import { checkMessage, keyOfUser, readBody, readMessageBody, scopedKey, tooLarge } from '../requests.js';
import type { Call } from './route.js';

type KeyedBody<M> = BatchBody<M>['messages'][number];

const SEND: OptionNames<SendBody<unknown>> = {
  ...{ body: true, key: true, relatesTo: true, countable: true, mentions: true },
};
const BATCH: OptionNames<BatchBody<unknown>> = { messages: true };

export async function send<M>(call: Call<M>): Promise<Response> {
  const { sync, permissions, options, request, user, params } = call;
  const given = await readMessageBody<SendBody<M>>(request, options.limits.bodyBytes, SEND);
  const key = scopedKey(request, user, given.key);
  await permissions.check({ kind: 'send', user, conversation: params.id ?? '' });
  return sent(await sync.send(messageOf(call, given, key)), 201);
}

/** Sends messages in their order, without waiting for one before the next. */
export async function batch<M>(call: Call<M>): Promise<Response> {
  const { permissions, options, request, user, params } = call;
  const { batchBytes, batch: most } = options.limits;
  const { messages } = await readBody<BatchBody<M>>(request, batchBytes, BATCH);
  if (!Array.isArray(messages) || messages.length === 0 || messages.length > most)
    throw invalidArgument('body.messages', `must hold 1 to ${most} messages, not ${describeValue(messages)}`);
  await permissions.check({ kind: 'send', user, conversation: params.id ?? '' });
  // The request has counted as one.
  const allowed = messages.slice(0, 1 + call.takeSends(messages.length - 1));
  const outcomes = await storeInOrder(call, allowed);
  const [first] = outcomes;
  if (first && 'problem' in first && outcomes.every((each) => 'problem' in each)) return problemResponse(first.problem);
  return json({ outcomes } satisfies BatchAnswer);
}

/**
 * Appends that are under way together are stored in the order of the calls. A failure that may pass aborts those behind
 * it before the store takes them, or one of them would be stored before the message that is sent again.
 */
async function storeInOrder<M>(call: Call<M>, messages: readonly KeyedBody<M>[]): Promise<BatchOutcome[]> {
  const aborting = messages.map(() => new AbortController());
  let end = messages.length;
  const outcomes = messages.map(async (given, i): Promise<BatchOutcome> => {
    try {
      return sentAnswer(await storeOne(call, given, aborting[i]!.signal));
    } catch (error) {
      const problem = problemOf(error);
      if (i >= end || !(problem.retryable || isFault(problem))) return { problem };
      end = i + 1;
      for (const later of aborting.slice(end)) later.abort();
      if (isFault(problem)) call.options.onError(error);
      return { problem };
    }
  });
  const settled = await Promise.all(outcomes);
  return settled.slice(0, end);
}

async function storeOne<M>(call: Call<M>, given: KeyedBody<M>, signal: AbortSignal): Promise<Sent> {
  const { sync, options, user } = call;
  const { bodyBytes } = options.limits;
  const message = checkMessage<KeyedBody<M>>(given, SEND);
  if (new TextEncoder().encode(JSON.stringify(given)).length > bodyBytes) throw tooLarge(bodyBytes);
  return sync.send(messageOf(call, message, keyOfUser(user, message.key)), { signal });
}

function messageOf<M>({ user, params }: Call<M>, given: SendBody<M>, key: string | undefined): OutgoingMessage<M> {
  const { body, relatesTo, countable, mentions } = given;
  return { conversation: params.id ?? '', sender: user, body, key, relatesTo, countable, mentions };
}
