import { checkSeqId, type OptionNames } from '../../src/toolkit/index.js';
import { sent } from '../answers.js';
import { historyPage } from '../history-page.js';
import type { EditBody } from '../protocol.js';
import { readMessageBody, scopedKey } from '../requests.js';
import type { Call, Route } from './route.js';
import { batch, send } from './sends.js';

const EDIT: OptionNames<EditBody<unknown>> = { body: true, key: true };

export function messageRoutes<M>(): Route<M>[] {
  return [
    { method: 'POST', path: '/conversations/:id/messages', isSend: true, answer: send },
    { method: 'POST', path: '/conversations/:id/batch', isSend: true, answer: batch },
    { method: 'GET', path: '/conversations/:id/messages', answer: historyPage },
    { method: 'PATCH', path: '/conversations/:id/messages/:seqId', isSend: true, answer: edit },
    { method: 'DELETE', path: '/conversations/:id/messages/:seqId', isSend: true, answer: recall },
  ];
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
