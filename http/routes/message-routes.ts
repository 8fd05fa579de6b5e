import { checkSeqId, type OptionNames } from '../../src/toolkit/index.js';
import { sent } from '../answers.js';
import { historyPage } from '../history-page.js';
import type { EditBody, SendBody } from '../protocol.js';
import { readMessageBody, scopedKey } from '../requests.js';
import type { Call, Route } from './route.js';

const SEND: OptionNames<SendBody<unknown>> = {
  ...{ body: true, key: true, relatesTo: true, countable: true, mentions: true },
};
const EDIT: OptionNames<EditBody<unknown>> = { body: true, key: true };

export function messageRoutes<M>(): Route<M>[] {
  return [
    { method: 'POST', path: '/conversations/:id/messages', isSend: true, answer: send },
    { method: 'GET', path: '/conversations/:id/messages', answer: historyPage },
    { method: 'PATCH', path: '/conversations/:id/messages/:seqId', isSend: true, answer: edit },
    { method: 'DELETE', path: '/conversations/:id/messages/:seqId', isSend: true, answer: recall },
  ];
}

async function send<M>({ sync, permissions, options, request, user, params }: Call<M>): Promise<Response> {
  const { id: conversation = '' } = params;
  const given = await readMessageBody<SendBody<M>>(request, options.limits.bodyBytes, SEND);
  const { relatesTo, countable, mentions } = given;
  const key = scopedKey(request, user, given.key);
  await permissions.check({ kind: 'send', user, conversation });
  const message = { conversation, sender: user, body: given.body, key, relatesTo, countable, mentions };
  return sent(await sync.send(message), 201);
}

async function edit<M>({ sync, permissions, options, request, user, params }: Call<M>): Promise<Response> {
  const { id: conversation = '', seqId = '' } = params;
  const given = await readMessageBody<EditBody<M>>(request, options.limits.bodyBytes, EDIT);
  const key = scopedKey(request, user, given.key);
  checkSeqId(seqId, 'seqId', 1n);
  await permissions.checkChange({ kind: 'edit', user, conversation }, seqId);
  return sent(await sync.edit(conversation, seqId, given.body, { key, by: user }), 200);
}

async function recall<M>({ sync, permissions, user, params }: Call<M>): Promise<Response> {
  const { id: conversation = '', seqId = '' } = params;
  checkSeqId(seqId, 'seqId', 1n);
  await permissions.checkChange({ kind: 'recall', user, conversation }, seqId);
  return sent(await sync.recall(conversation, seqId, { by: user }), 200);
}
