import { beforeEach, describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { CLOSE_CODES } from '../../http/index.js';
import { problemOf } from '../../http/problems.js';
import { TimelineError } from '../../src/index.js';
import { until } from '../support/until.js';
import { Interposed } from '../sync/support/interposed.js';
import { type Chat, join, openChat } from './support/chat.js';
import { bodiesOf, Caller, lastId } from './support/client.js';
import { onNodeWithSockets, SocketReader } from './support/sockets.js';

const failure = () => new TimelineError('TIMELINE_UNAVAILABLE', 'db-7.internal refused the password');

let store: Interposed;
let chat: Chat;
let url: string;
let ann: Caller;
let bob: Caller;

beforeEach(async () => {
  store = new Interposed(memoryAdapter());
  chat = await openChat({ adapter: store });
  await join(chat, 'team', 'ann', 'bob');
  url = await onNodeWithSockets(chat.gateway);
  [ann, bob] = [new Caller(url, 'ann'), new Caller(url, 'bob', { 'x-device': 'phone' })];
});

describe('a store that fails', () => {
  it('is told to clients without its inside, and to the operator with it', async () => {
    await ann.say('team', 'one');
    store.before = () => {
      throw failure();
    };
    const answer = await ann.get('/conversations/team/messages');
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(answer.json).toMatchObject({ code: 'TIMELINE_UNAVAILABLE', retryable: true });
    expect(JSON.stringify(answer.json)).not.toMatch(/db-7|password/);
    expect(chat.errors).toMatchObject([{ code: 'TIMELINE_UNAVAILABLE' }]);
    store.before = () => undefined;
    expect((await ann.get('/conversations/team/messages')).status).toBe(200);
  });

  it('ends streams, which go on when it is back', async () => {
    await ann.say('team', 'one');
    const [events, socket] = [await bob.events('/events?after='), await SocketReader.as('bob', `${url}?after=`)];
    const frames = await events.untilCaughtUp();
    await socket.untilCaughtUp();
    store.before = (method) => {
      if (method === 'heads' || method === 'read') throw failure();
    };
    const closing = { reason: 'failed', resume: true, problem: { code: 'TIMELINE_UNAVAILABLE', retryable: true } };
    expect((await events.rest()).at(-1)).toMatchObject({ event: 'closing', data: closing });
    expect((await socket.closed)[0]).toBe(CLOSE_CODES.resume);
    expect(chat.errors.length).toBeGreaterThanOrEqual(2);
    store.before = () => undefined;
    await ann.say('team', 'two');
    const next = await (await bob.events('/events?after=', { 'last-event-id': lastId(frames)! })).untilCaughtUp();
    expect(bodiesOf(next)).toEqual(['two']);
  });

  it('ends the stream of a device whose acknowledgement it does not take', async () => {
    await ann.say('team', 'one');
    const socket = await SocketReader.as('bob', `${url}?device=phone`);
    const cursor = lastId(await socket.untilCaughtUp())!;
    store.before = (method) => {
      if (method === 'append' || method === 'advance') throw failure();
    };
    socket.send({ type: 'ack', cursor });
    expect((await socket.closed)[0]).toBe(CLOSE_CODES.resume);
    store.before = () => undefined;
    const again = await SocketReader.as('bob', `${url}?device=phone`);
    expect(bodiesOf(await again.untilCaughtUp())).toEqual(['one']);
  });
});

describe('a join that cannot be in force yet', () => {
  it('is stored, and told as such', async () => {
    store.refuse(['members', 'new']);
    const body = { users: ['ann', 'cem'] };
    const founded = await ann.call('POST', '/conversations/new/members', body);
    expect(founded).toMatchObject({ status: 202, json: { duplicate: false } });
    store.relent();
    await until('the join is in force', () => chat.sync.isMember('new', 'cem'));
  });
});

describe('a send whose outcome is unknown', () => {
  const unknown = new TimelineError('TIMELINE_OUTCOME_UNKNOWN', 'no answer', { outcome: 'unknown' });

  it('may be repeated with a key, and not without', async () => {
    chat.sync.send = () => Promise.reject(unknown);
    const path = '/conversations/team/messages';
    const body = { body: 'one' };
    expect(await ann.call('POST', path, body)).toMatchObject({ status: 503, json: { retryable: false } });
    expect(await ann.call('POST', path, { ...body, key: 'k' })).toMatchObject({ json: { retryable: true } });
    const headers = { 'idempotency-key': 'k' };
    expect(await ann.call('POST', path, body, headers)).toMatchObject({ json: { retryable: true } });
  });

  it('is a problem of its own', () => {
    expect(problemOf(unknown)).toMatchObject({ code: 'TIMELINE_OUTCOME_UNKNOWN', status: 503 });
    expect(problemOf(new Error('a bug'))).toMatchObject({ code: 'GATEWAY_INTERNAL', detail: 'the server has a fault' });
    for (const argument of ['authorize', 'directory.members', 'diffusion.choose', 'mayFound'])
      expect(problemOf(new TimelineError('TIMELINE_INVALID_ARGUMENT', 'x', { argument }))).toMatchObject({
        status: 500,
      });
    const issues = [{ message: 'too long', path: ['text', { key: 0 }] }];
    const refused = new TimelineError('TIMELINE_INVALID_ARGUMENT', 'body is invalid', { argument: 'body', issues });
    expect(problemOf(refused)).toMatchObject({ status: 400, issues: [{ message: 'too long', path: ['text', '0'] }] });
  });
});

describe('a schema', () => {
  it('refuses with its findings', async () => {
    const strict = await openChat({
      sync: {
        schema: {
          '~standard': {
            version: 1,
            vendor: 'test',
            validate: () => ({ issues: [{ message: 'never', path: ['a'] }] }),
          },
        },
      },
    });
    await join(strict, 'team', 'ann');
    const caller = new Caller(await onNodeWithSockets(strict.gateway), 'ann');
    expect(await caller.call('POST', '/conversations/team/messages', { body: 'x' })).toMatchObject({
      status: 400,
      json: { code: 'TIMELINE_INVALID_ARGUMENT', argument: 'body', issues: [{ message: 'never', path: ['a'] }] },
    });
  });
});
