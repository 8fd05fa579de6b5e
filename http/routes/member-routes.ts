import { describeValue, invalidArgument, type OptionNames } from '../../src/toolkit/index.js';
import type { Sent } from '../../sync/index.js';
import { json, sent } from '../answers.js';
import type { JoinBody, MembersAnswer, ReadPositionsAnswer } from '../protocol.js';
import { readBody, scopedKey } from '../requests.js';
import { found } from './founding.js';
import type { Call, Route } from './route.js';

const JOIN: OptionNames<JoinBody> = { users: true, key: true };
/** Milliseconds for which an answer waits until the change is in force. */
const IN_FORCE_MS = 5000;

export function memberRoutes<M>(): Route<M>[] {
  return [
    { method: 'GET', path: '/conversations/:id/members', answer: members },
    { method: 'GET', path: '/conversations/:id/read', answer: readPositions },
    { method: 'POST', path: '/conversations/:id/members', isSend: true, answer: join },
    { method: 'DELETE', path: '/conversations/:id/members/:user', isSend: true, answer: leave },
  ];
}

async function members<M>(call: Call<M>): Promise<Response> {
  const { permissions, user, params } = call;
  await permissions.check({ kind: 'members', user, conversation: params.id ?? '' });
  return json((await someMembers(call)) satisfies MembersAnswer);
}

async function readPositions<M>(call: Call<M>): Promise<Response> {
  const { sync, permissions, user, params } = call;
  const { id: conversation = '' } = params;
  await permissions.check({ kind: 'members', user, conversation });
  const { members: users, complete } = await someMembers(call);
  const read = users.length === 0 ? new Map<string, bigint>() : await sync.readPositions(conversation, users);
  const positions = [...read].flatMap(([name, seqId]) => (seqId > 0n ? [{ user: name, seqId: String(seqId) }] : []));
  return json({ positions, complete } satisfies ReadPositionsAnswer);
}

async function someMembers<M>({ sync, options, params }: Call<M>): Promise<MembersAnswer> {
  const names: string[] = [];
  for await (const name of sync.members(params.id ?? '')) {
    if (names.length === options.limits.members) return { members: names, complete: false };
    names.push(name);
  }
  return { members: names, complete: true };
}

async function join<M>(call: Call<M>): Promise<Response> {
  const { sync, permissions, options, request, user, params } = call;
  const { id: conversation = '' } = params;
  const given = await readBody<JoinBody>(request, options.limits.bodyBytes, JOIN);
  const users = checkNames(given.users);
  const key = scopedKey(request, user, given.key);
  const founded = await found(call, users);
  if (founded) return changed(founded);
  await permissions.check({ kind: 'join', user, conversation, users });
  return changed(await sync.join(conversation, users, { by: user, key }));
}

async function leave<M>({ sync, permissions, request, user, params }: Call<M>): Promise<Response> {
  const { id: conversation = '', user: name = '' } = params;
  const key = scopedKey(request, user, undefined);
  await permissions.check({ kind: 'leave', user, conversation, users: [name] });
  return changed(await sync.leave(conversation, name, { by: user, key }));
}

/** Answers once the change is in force, so that the next request of a new member is allowed. */
async function changed(change: Pick<Sent, 'seqId' | 'duplicate' | 'delivered'>): Promise<Response> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, IN_FORCE_MS, false);
  });
  const inForce = change.delivered.then(
    () => true,
    () => false,
  );
  const isInForce = await Promise.race([inForce, late]);
  clearTimeout(timer);
  return sent(change, isInForce ? 200 : 202);
}

function checkNames(users: readonly string[]): readonly string[] {
  if (!Array.isArray(users) || users.some((name) => typeof name !== 'string' || name === ''))
    throw invalidArgument('users', `must be an array of names, not ${describeValue(users)}`);
  return users;
}
