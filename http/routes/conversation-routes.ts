import { TimelineError } from '../../src/index.js';
import { describeValue, type OptionNames } from '../../src/toolkit/index.js';
import type { ConversationSettings, ConversationSummary } from '../../sync/index.js';
import { json, noContent } from '../answers.js';
import type { ReadAnswer, ReadBody, SignalBody } from '../protocol.js';
import { countParameter, readBody, readMessageBody, textParameter } from '../requests.js';
import type { Call, Route } from './route.js';

const USUAL_LIMIT = 50;
const READ: OptionNames<ReadBody> = { seqId: true };
const SETTINGS: OptionNames<ConversationSettings> = { muted: true, archived: true, pinned: true };
const SIGNAL: OptionNames<SignalBody> = { body: true };

export function conversationRoutes<M>(): Route<M>[] {
  return [
    { method: 'GET', path: '/conversations', answer: conversations },
    { method: 'GET', path: '/conversations/:id', answer: conversation },
    { method: 'GET', path: '/unread', answer: async ({ sync, user }) => json(await sync.unread(user)) },
    { method: 'PUT', path: '/conversations/:id/read', answer: markRead },
    { method: 'PUT', path: '/conversations/:id/settings', answer: configure },
    { method: 'POST', path: '/conversations/:id/signals', isSend: true, answer: signal },
  ];
}

async function conversations<M>({ sync, options, url, user }: Call<M>): Promise<Response> {
  const limit = countParameter(url, 'limit', { usual: USUAL_LIMIT, most: options.limits.page });
  const after = textParameter(url, 'after');
  const found: ConversationSummary<M>[] = [];
  for await (const summary of sync.conversations(user, { limit, after })) found.push(summary);
  const next = found.length === limit ? found.at(-1)?.next : undefined;
  return json({ conversations: found, ...(next !== undefined && { next }) });
}

async function conversation<M>({ sync, permissions, user, params }: Call<M>): Promise<Response> {
  const { id = '' } = params;
  await permissions.check({ kind: 'read', user, conversation: id });
  const summary = await sync.conversation(user, id);
  if (summary) return json(summary);
  const message = `${describeValue(user)} has no conversation ${describeValue(id)}`;
  throw new TimelineError('TIMELINE_NOT_FOUND', message, { timeline: id });
}

async function markRead<M>({ sync, permissions, options, request, user, params }: Call<M>): Promise<Response> {
  const { id = '' } = params;
  const { seqId } = await readBody<ReadBody>(request, options.limits.bodyBytes, READ);
  await permissions.check({ kind: 'mark-read', user, conversation: id });
  return json({ readSeqId: String(await sync.markRead(user, id, seqId)) } satisfies ReadAnswer);
}

async function configure<M>({ sync, permissions, options, request, user, params }: Call<M>): Promise<Response> {
  const { id = '' } = params;
  const settings = await readBody<Partial<ConversationSettings>>(request, options.limits.bodyBytes, SETTINGS);
  await permissions.check({ kind: 'settings', user, conversation: id });
  await sync.configure(user, id, settings);
  return noContent();
}

async function signal<M>({ sync, permissions, options, request, user, params }: Call<M>): Promise<Response> {
  const { id = '' } = params;
  const { body } = await readMessageBody<SignalBody>(request, options.limits.bodyBytes, SIGNAL);
  await permissions.check({ kind: 'signal', user, conversation: id });
  await sync.signal(id, { from: user, body });
  return noContent();
}
