import { describe, expect, it } from 'vitest';
import { createGateway, type GatewayOptions } from '../../http/index.js';
import { type Authorize, type MessageSync, membersOnly } from '../../sync/index.js';
import { join, openChat } from './support/chat.js';
import { Caller } from './support/client.js';
import { onNode } from './support/servers.js';

describe('pages of other origins', () => {
  const evil = { origin: 'https://evil.example' };
  const friend = { origin: 'https://app.example' };
  const corsOf = ({ headers }: { headers: Headers }) =>
    ['origin', 'credentials'].map((name) => headers.get(`access-control-allow-${name}`));

  it('may do nothing, unless they are named', async () => {
    const chat = await openChat({ origins: [friend.origin] });
    await join(chat, 'team', 'ann');
    const url = await onNode(chat.gateway);
    const ann = new Caller(url, 'ann');
    const refused = await ann.call('POST', '/conversations/team/messages', { body: 'forged' }, evil);
    expect(refused).toMatchObject({ status: 403, json: { code: 'GATEWAY_ORIGIN_REFUSED' } });
    expect(corsOf(refused)).toEqual([null, null]);
    expect((await ann.call('GET', '/unread', undefined, evil)).status).toBe(403);
    const allowed = await ann.call('POST', '/conversations/team/messages', { body: 'ours' }, friend);
    expect(allowed.status).toBe(201);
    expect(corsOf(allowed)).toEqual([friend.origin, 'true']);
    expect(allowed.headers.get('vary')).toContain('Origin');
    // A problem can be read too.
    expect(corsOf(await new Caller(url).call('GET', '/unread', undefined, friend))).toEqual([friend.origin, 'true']);
    const events = await ann.events('/events', friend);
    expect(corsOf(events.response)).toEqual([friend.origin, 'true']);
  });

  it('ask first, without a user', async () => {
    const chat = await openChat({ origins: [friend.origin] });
    const nobody = new Caller(await onNode(chat.gateway));
    const headers = { ...friend, 'access-control-request-method': 'PATCH' };
    const asked = await nobody.call('OPTIONS', '/conversations/team/messages/1', undefined, headers);
    expect(asked.status).toBe(204);
    expect(corsOf(asked)).toEqual([friend.origin, 'true']);
    expect(asked.headers.get('access-control-allow-methods')).toContain('PATCH');
    for (const name of ['authorization', 'content-type', 'idempotency-key', 'x-device', 'last-event-id'])
      expect(asked.headers.get('access-control-allow-headers')).toContain(name);
    expect((await nobody.call('OPTIONS', '/unread', undefined, evil)).status).toBe(403);
  });

  it('may be all, but then without cookies', async () => {
    const chat = await openChat({ origins: ['*'] });
    const ann = new Caller(await onNode(chat.gateway), 'ann');
    const answer = await ann.call('GET', '/unread', undefined, evil);
    expect(answer.status).toBe(200);
    expect(corsOf(answer)).toEqual(['*', null]);
  });

  it('are not those of the own host, behind a proxy or not', async () => {
    const chat = await openChat();
    const url = await onNode(chat.gateway);
    const ann = new Caller(url, 'ann');
    const { host } = new URL(url);
    const own = [
      { origin: url },
      { origin: `https://${host}` },
      { origin: 'https://chat.example', 'x-forwarded-host': 'chat.example' },
    ];
    for (const headers of own) expect((await ann.call('GET', '/unread', undefined, headers)).status).toBe(200);
    for (const origin of ['null', 'https://chat.example', 'nonsense'])
      expect((await ann.call('GET', '/unread', undefined, { origin })).status).toBe(403);
  });

  it('are not of the own host because the path names theirs', async () => {
    const chat = await openChat();
    const ann = new Caller(await onNode(chat.gateway), 'ann');
    expect((await ann.call('GET', '//evil.example/unread', undefined, evil)).status).toBe(403);
  });

  it('cannot send what a form can', async () => {
    const chat = await openChat();
    await join(chat, 'team', 'ann');
    const ann = new Caller(await onNode(chat.gateway), 'ann');
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'text/json', '']) {
      const { status, json } = await ann.call('POST', '/conversations/team/messages', '{"body":"x"}', {
        'content-type': type,
      });
      expect([status, json.code]).toEqual([415, 'GATEWAY_UNSUPPORTED_MEDIA_TYPE']);
    }
    const typed = { 'content-type': 'application/json; charset=utf-8' };
    expect((await ann.call('POST', '/conversations/team/messages', '{"body":"x"}', typed)).status).toBe(201);
  });
});

describe('malformed requests', () => {
  it.each<[string, string, string | undefined, number]>([
    ['POST', '/conversations/team/messages', '{', 400],
    ['POST', '/conversations/team/messages', '', 400],
    ['POST', '/conversations/team/messages', '[]', 400],
    ['POST', '/conversations/team/messages', 'null', 400],
    ['POST', '/conversations/team/messages', '{}', 400],
    ['POST', '/conversations/team/messages', '{"body":"x","sender":"bob"}', 400],
    ['POST', '/conversations/team/messages', '{"body":"x","__proto__":{"key":"k"}}', 400],
    ['POST', '/conversations/team/messages', '{"body":"x","constructor":1}', 400],
    ['POST', '/conversations/team/messages', '{"body":"x","key":7}', 400],
    ['POST', '/conversations/team/messages', '{"body":"x","key":""}', 400],
    ['POST', '/conversations/team/messages', '{"body":"x","relatesTo":1}', 400],
    ['POST', '/conversations/team/messages', '{"body":"x","mentions":"bob"}', 400],
    ['POST', '/conversations/team/messages', '{"body":"x","countable":"no"}', 400],
    ['PATCH', '/conversations/team/messages/1', '{}', 400],
    ['PATCH', '/conversations/team/messages/0', '{"body":"x"}', 400],
    ['PUT', '/conversations/team/read', '{"seqId":1.5}', 400],
    ['PUT', '/conversations/team/read', '{}', 400],
    ['PUT', '/conversations/team/settings', '{"muted":"yes"}', 400],
    ['PUT', '/conversations/team/settings', '{"loud":true}', 400],
    ['POST', '/conversations/team/signals', '{}', 400],
    ['POST', '/conversations/team/signals', `{"body":"${'x'.repeat(17_000)}"}`, 413],
    ['POST', '/conversations/team/members', '{"users":[]}', 400],
    ['POST', '/conversations/team/members', '{"users":"ann"}', 400],
    ['POST', '/conversations/team/members', '{"users":[7]}', 400],
    ['POST', '/conversations/new/members', '{"users":["ann",""]}', 400],
    ['POST', '/ack', '{"cursor":7}', 400],
    ['POST', '/ack', '{"cursor":"nonsense"}', 400],
    ['POST', '/ack', '{}', 400],
    ['GET', '/conversations/team/messages?before=nonsense', undefined, 400],
    ['GET', '/conversations/team/messages?asOf=nonsense', undefined, 400],
    ['GET', '/conversations?after=nonsense', undefined, 400],
    ['GET', '/pull?after=nonsense', undefined, 400],
    ['GET', '/conversations/%E0%A4%A/messages', undefined, 400],
    ['GET', `/conversations/${'x'.repeat(401)}/messages`, undefined, 413],
    ['GET', '/conversations//messages', undefined, 404],
    ['GET', '/conversations/team/messages/', undefined, 404],
    ['GET', '/', undefined, 404],
    ['PUT', '/conversations/team/messages', '{}', 405],
    ['DELETE', '/conversations/team', undefined, 405],
    ['GET', '/feed', undefined, 404],
  ])('%s %s %s: refused as %i, as a problem', async (method, path, body, status) => {
    const chat = await openChat();
    await join(chat, 'team', 'ann');
    const ann = new Caller(await onNode(chat.gateway), 'ann', { 'x-device': 'phone' });
    await ann.say('team', 'one');
    const answer = await ann.call(method, path, body);
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.json).toMatchObject({
      status,
      retryable: false,
      code: expect.any(String),
      title: expect.any(String),
    });
    expect(chat.errors).toEqual([]);
  });

  it('do not name a device that cannot be', async () => {
    const chat = await openChat();
    const url = await onNode(chat.gateway);
    for (const device of ['%', '', 'x'.repeat(201)]) {
      const { status } = await new Caller(url, 'ann', { 'x-device': device }).get('/pull');
      expect([400, 413]).toContain(status);
    }
  });

  it('say what is allowed', async () => {
    const chat = await openChat();
    const { headers } = await new Caller(await onNode(chat.gateway), 'ann').call('PUT', '/conversations/team/messages');
    expect(headers.get('allow')).toBe('POST, GET');
  });
});

describe('authentication', () => {
  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('database password wrong');
      },
    ],
    ['rejects', () => Promise.reject(new Error('database password wrong'))],
    ['answers true', () => true],
    ['answers a name', () => 'ann'],
    ['answers no user', () => ({})],
    ['answers an empty user', () => ({ user: '' })],
    ['answers a user whose name is too long', () => ({ user: 'x'.repeat(201) })],
  ])('that %s is a fault of the server, which tells nothing of it', async (_, authenticate) => {
    const chat = await openChat({ authenticate: authenticate as GatewayOptions['authenticate'] });
    const { status, json } = await new Caller(await onNode(chat.gateway), 'ann').get('/unread');
    expect(status).toBe(500);
    expect(json).toEqual({
      ...{ type: 'about:blank', title: 'Internal Server Error', status: 500, code: 'GATEWAY_INTERNAL' },
      ...{ detail: 'the server has a fault', retryable: false },
    });
    expect(chat.errors).toHaveLength(1);
  });

  it('may answer null, or an answer of another realm or library', async () => {
    // biome-ignore lint/suspicious/noThenProperty: a promise of another library.
    const thenable = { then: (resolve: (value: unknown) => void) => resolve({ user: 'ann' }) };
    for (const [answer, status] of [
      [null, 401],
      [undefined, 401],
      [thenable, 200],
    ] as const) {
      const chat = await openChat({ authenticate: (() => answer) as GatewayOptions['authenticate'] });
      expect((await new Caller(await onNode(chat.gateway)).get('/unread')).status).toBe(status);
    }
  });
});

describe('authorization', () => {
  const everybody: Authorize = () => true;
  const nobody: Authorize = () => false;

  /** Statuses of a stranger who sends, reads and lists the members, and of a member who adds another. */
  async function statuses(ofSync: Authorize | undefined, ofGateway: Authorize | undefined): Promise<number[]> {
    const chat = await openChat({ sync: { authorize: ofSync }, authorize: ofGateway });
    await join(chat, 'team', 'ann');
    const url = await onNode(chat.gateway);
    const [eve, ann] = [new Caller(url, 'eve'), new Caller(url, 'ann')];
    const answers = [
      await eve.call('POST', '/conversations/team/messages', { body: 'x' }),
      await eve.get('/conversations/team/messages'),
      await eve.get('/conversations/team/members'),
      await ann.call('POST', '/conversations/team/members', { users: ['cem'] }),
    ];
    return answers.map(({ status }) => status);
  }

  it.each<[string, Authorize | undefined, Authorize | undefined, number[]]>([
    ['nowhere: members only', undefined, undefined, [403, 403, 403, 403]],
    ['of the gateway alone', undefined, everybody, [201, 200, 200, 200]],
    ['of the sync alone', everybody, undefined, [201, 200, 200, 200]],
    ['of both: the gateway refuses', everybody, nobody, [403, 403, 403, 403]],
    ['of both: the sync refuses', membersOnly(), everybody, [403, 403, 403, 403]],
    ['of both, which allow', everybody, everybody, [201, 200, 200, 200]],
  ])('%s', async (_, ofSync, ofGateway, expected) => {
    expect(await statuses(ofSync, ofGateway)).toEqual(expected);
  });

  it('that answers no boolean is a fault of the server', async () => {
    const chat = await openChat({ authorize: (() => 'yes') as unknown as Authorize });
    await join(chat, 'team', 'ann');
    const { status } = await new Caller(await onNode(chat.gateway), 'ann').get('/conversations/team/messages');
    expect(status).toBe(500);
    expect(chat.errors).toMatchObject([{ argument: 'authorize' }]);
  });

  it('of a change sees the message; one that is not there yet cannot be changed', async () => {
    const chat = await openChat({ authorize: async ({ target, user }) => target?.sender === user || !target });
    await join(chat, 'team', 'ann', 'bob');
    const url = await onNode(chat.gateway);
    const [ann, bob] = [new Caller(url, 'ann'), new Caller(url, 'bob')];
    const seqId = await ann.say('team', 'one');
    expect((await bob.call('PATCH', `/conversations/team/messages/${seqId}`, { body: 'forged' })).status).toBe(403);
    // While the rule is asked about a message that is not there, it is sent.
    const next = BigInt(seqId) + 1n;
    const racing = await openRace(chat.sync, next);
    const at = await onNode(racing);
    const late = await new Caller(at, 'bob').call('PATCH', `/conversations/team/messages/${next}`, { body: 'forged' });
    expect(late.status).toBe(404);
    expect((await chat.sync.messages('team')).messages.map(({ body }) => body)).toEqual(['one', 'two']);
  });

  async function openRace(sync: MessageSync<string>, seqId: bigint) {
    return createGateway(sync, {
      authenticate: () => ({ user: 'bob' }),
      authorize: async ({ target }) => {
        expect(target).toBeUndefined();
        const sent = await sync.send({ conversation: 'team', sender: 'ann', body: 'two' });
        expect(sent.seqId).toBe(seqId);
        return true;
      },
    });
  }

  it('of a founding is asked', async () => {
    const foundings: unknown[] = [];
    const chat = await openChat({
      mayFound: (founding) => {
        foundings.push(founding);
        return founding.conversation.startsWith(`${founding.user}/`);
      },
    });
    const ann = new Caller(await onNode(chat.gateway), 'ann');
    const found = (id: string) =>
      ann.call('POST', `/conversations/${encodeURIComponent(id)}/members`, { users: ['ann'] });
    expect((await found('bob/x')).status).toBe(403);
    expect((await found('ann/x')).status).toBe(200);
    expect(foundings).toEqual([
      { user: 'ann', conversation: 'bob/x', users: ['ann'] },
      { user: 'ann', conversation: 'ann/x', users: ['ann'] },
    ]);
  });
});

describe('the path before the routes', () => {
  it('is part of every route', async () => {
    const chat = await openChat({ basePath: '/api/chat' });
    const ann = new Caller(await onNode(chat.gateway), 'ann');
    expect((await ann.get('/api/chat/unread')).status).toBe(200);
    for (const path of ['/unread', '/api/chat', '/api/chatter/unread', '/api/chat/']) {
      expect((await ann.get(path)).status).toBe(404);
    }
  });
});
